// A walk over the visible nodes of a tree-sitter tree that keeps its place at every level.
//
// The library's own cursor finds a node's next sibling by starting over at its parent, and asks for each property by a
// call; both cost most of a pass over a tree just parsed. This walk reads the tree through the library's own headers, of
// the very version that is linked, so that no layout is copied here. Its stack is in the heap of trees, where it is counted.

#include "alloc.h"
#include "subtree.h"
#include "tree.h"
#include "language.h"

// What is read of a node at once. Mirrored by `Node` in `src/walk.rs`.
typedef struct {
  TSNode node;
  uint32_t end;
  uint32_t children;
  TSSymbol kind;
  bool named;
} DriftlineNode;

// The children of one node, of which some have been visited.
typedef struct {
  const Subtree *children;
  const TSSymbol *aliases;
  // Where the child visited last ends, or where the first one starts.
  Length position;
  uint32_t count;
  uint32_t next;
  // Place of the next child among those that are not extra, and of the one visited last.
  uint32_t structural_next;
  uint32_t structural;
  uint16_t production;
  // Whether the node is hidden, so that its children stand in its place.
  bool hidden;
  // Whether the child visited last is an extra.
  bool extra;
} Frame;

typedef struct {
  const TSTree *tree;
  Frame *frames;
  uint32_t depth;
  uint32_t capacity;
} DriftlineWalk;

static void push(DriftlineWalk *walk, Subtree parent, Length start, bool hidden) {
  if (walk->depth == walk->capacity) {
    walk->capacity = walk->capacity ? 2 * walk->capacity : 64;
    walk->frames = ts_realloc(walk->frames, walk->capacity * sizeof(Frame));
  }
  uint32_t count = ts_subtree_child_count(parent);
  uint16_t production = count ? parent.ptr->production_id : 0;
  walk->frames[walk->depth++] = (Frame) {
    .children = count ? ts_subtree_children(parent) : NULL,
    .aliases = ts_language_alias_sequence(walk->tree->language, production),
    .position = start,
    .count = count,
    .production = production,
    .hidden = hidden,
  };
}

static void describe(const DriftlineWalk *walk, const Subtree *subtree, Length start, TSSymbol alias, DriftlineNode *out) {
  const TSLanguage *language = walk->tree->language;
  TSSymbol symbol = alias ? alias : ts_subtree_symbol(*subtree);
  out->node = (TSNode) {{start.bytes, start.extent.row, start.extent.column, alias}, subtree, walk->tree};
  out->end = start.bytes + ts_subtree_size(*subtree).bytes;
  out->children = ts_subtree_visible_child_count(*subtree);
  out->kind = symbol == ts_builtin_sym_error ? symbol : language->public_symbol_map[symbol];
  out->named = alias ? language->symbol_metadata[alias].named : ts_subtree_named(*subtree);
}

// The next visible node among the children of the level at hand, hidden nodes opened; false after the last.
static bool advance(DriftlineWalk *walk, DriftlineNode *out) {
  while (walk->depth) {
    Frame *frame = &walk->frames[walk->depth - 1];
    if (frame->next == frame->count) {
      if (!frame->hidden) return false;
      walk->depth--;
      continue;
    }
    const Subtree *child = &frame->children[frame->next];
    Length start = frame->next ? length_add(frame->position, ts_subtree_padding(*child)) : frame->position;
    frame->position = length_add(start, ts_subtree_size(*child));
    frame->next++;
    // Most of a walk is waiting for memory: the next sibling's is asked for while this node is looked at.
    // Its children stand right before it.
    if (frame->next < frame->count && !child[1].data.is_inline) {
      __builtin_prefetch(child[1].ptr);
      __builtin_prefetch((const char *)child[1].ptr - 64);
    }
    frame->extra = ts_subtree_extra(*child);
    TSSymbol alias = 0;
    if (!frame->extra) {
      frame->structural = frame->structural_next++;
      if (frame->aliases) alias = frame->aliases[frame->structural];
    }
    if (ts_subtree_visible(*child) || alias) {
      describe(walk, child, start, alias, out);
      return true;
    }
    if (ts_subtree_visible_child_count(*child) > 0) push(walk, *child, start, true);
  }
  return false;
}

DriftlineWalk *driftline_walk_new(void) {
  return ts_calloc(1, sizeof(DriftlineWalk));
}

void driftline_walk_free(DriftlineWalk *walk) {
  ts_free(walk->frames);
  ts_free(walk);
}

// What is known of a node.
void driftline_walk_describe(DriftlineWalk *walk, TSNode node, DriftlineNode *out) {
  walk->tree = node.tree;
  Length start = {node.context[0], {node.context[1], node.context[2]}};
  describe(walk, (const Subtree *)node.id, start, node.context[3], out);
}

// Begins at the children of `node`; whatever was walked before is forgotten.
bool driftline_walk_begin(DriftlineWalk *walk, const DriftlineNode *node, DriftlineNode *out) {
  walk->tree = node->node.tree;
  walk->depth = 0;
  Length start = {node->node.context[0], {node->node.context[1], node->node.context[2]}};
  push(walk, *(const Subtree *)node->node.id, start, false);
  return advance(walk, out);
}

// Goes to the first child of the node visited last; false, and no step, if it has none.
bool driftline_walk_down(DriftlineWalk *walk, const DriftlineNode *last, DriftlineNode *out) {
  if (!last->children) return false;
  Length start = {last->node.context[0], {last->node.context[1], last->node.context[2]}};
  push(walk, *(const Subtree *)last->node.id, start, false);
  return advance(walk, out);
}

// Goes to the next node at the level at hand; false after the last.
bool driftline_walk_next(DriftlineWalk *walk, DriftlineNode *out) {
  return advance(walk, out);
}

// Goes up to the level above, where the node whose children were walked counts as visited; false if there is none.
bool driftline_walk_up(DriftlineWalk *walk) {
  while (walk->depth && walk->frames[--walk->depth].hidden) {
  }
  return walk->depth > 0;
}

// The field of the node visited last in its parent, zero for none.
TSFieldId driftline_walk_field(const DriftlineWalk *walk) {
  for (uint32_t at = walk->depth; at-- > 0;) {
    const Frame *frame = &walk->frames[at];
    if (frame->extra) return 0;
    const TSFieldMapEntry *entry, *end;
    ts_language_field_map(walk->tree->language, frame->production, &entry, &end);
    for (; entry < end; entry++) {
      if (!entry->inherited && entry->child_index == frame->structural) return entry->field_id;
    }
    if (!frame->hidden) return 0;
  }
  return 0;
}
