//! Contents by their object id, the recently used ones in memory.
//!
//! The old version of a file is usually the new version of an earlier commit, so most contents are decoded once. The
//! cache is shared by all threads of a collection and changes no answer: a content is a function of its id.

use super::text::Text;
use gix::ObjectId;
use gix::hashtable::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// A content, as far as an event may hold it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its size in bytes; 0 when it is absent.
    pub(super) bytes: u64,
    /// What it holds.
    pub(super) body: Body,
}

/// What a content holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Text within the limit on one file.
    Text(Text),
    /// What git takes for no text.
    Binary,
    /// More than the limit on one file.
    TooLarge,
    /// The repository is a partial clone and does not have it.
    Absent,
}

impl Blob {
    /// What these bytes hold; they are within the limit.
    pub(super) fn of(data: &[u8]) -> Self {
        Self { bytes: data.len() as u64, body: Text::of(data).map_or(Body::Binary, Body::Text) }
    }

    /// The text, if it is one within the limit.
    pub(super) fn text(&self) -> Option<&Text> {
        match &self.body {
            Body::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Number of lines of the text, 0 without one.
    pub(super) fn lines(&self) -> u32 {
        self.text().map_or(0, Text::lines)
    }

    /// Memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.text().map_or(0, |text| text.bytes().len()) + std::mem::size_of::<(ObjectId, Arc<Self>, Self)>()
    }
}

/// Recently used contents in two generations: when the young one holds half the budget it becomes the old one, and what
/// was not used since is forgotten. Cheaper than a list in order of use, and as good for histories.
pub(super) struct BlobCache {
    half_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<ObjectId, Arc<Blob>>,
    old: HashMap<ObjectId, Arc<Blob>>,
    young_bytes: usize,
}

impl BlobCache {
    /// A cache that holds at most `bytes` bytes of contents.
    pub(super) fn new(bytes: usize) -> Self {
        Self { half_bytes: bytes / 2, generations: Mutex::default() }
    }

    /// The content `id`, if it was used recently.
    pub(super) fn get(&self, id: &ObjectId) -> Option<Arc<Blob>> {
        let mut generations = self.generations.lock();
        if let Some(blob) = generations.young.get(id) {
            return Some(blob.clone());
        }
        let blob = generations.old.remove(id)?;
        self.insert(&mut generations, *id, blob.clone());
        Some(blob)
    }

    /// Keeps a content.
    pub(super) fn put(&self, id: ObjectId, blob: Arc<Blob>) {
        self.insert(&mut self.generations.lock(), id, blob);
    }

    fn insert(&self, generations: &mut Generations, id: ObjectId, blob: Arc<Blob>) {
        let weight = blob.weight();
        if generations.young_bytes + weight > self.half_bytes {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        if weight <= self.half_bytes && generations.young.insert(id, blob).is_none() {
            generations.young_bytes += weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ObjectId {
        ObjectId::Sha1([byte; 20])
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let blob = || Arc::new(Blob::of(&[b'x'; 1000]));
        let cache = BlobCache::new(10 * blob().weight());
        for byte in 0..=255 {
            cache.put(id(byte), blob());
            assert!(cache.get(&id(0)).is_some(), "used all the time, after {byte}");
        }
        let generations = cache.generations.lock();
        assert!(generations.young.len() + generations.old.len() <= 10);
        assert!(generations.young.contains_key(&id(255)));
    }

    #[test]
    fn what_is_larger_than_the_cache_is_not_kept() {
        let cache = BlobCache::new(100);
        cache.put(id(1), Arc::new(Blob::of(&[b'x'; 1000])));
        assert!(cache.get(&id(1)).is_none());
    }
}
