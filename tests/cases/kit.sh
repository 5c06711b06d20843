# What the cases share; a case sources it. Nothing of the user's own git or driftline configuration reaches a case.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME="$WORK/home" XDG_CONFIG_HOME="$WORK/home/.config"
mkdir -p "$HOME"
cd "$WORK"

# Ends the case as failed and says why.
fail() { echo "FAILED: $*"; exit 1; }
# expect WHAT WANTED SEEN
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', seen '$3'"; }
# expect_in WHAT NEEDLE HAYSTACK
expect_in() { case $3 in *"$2"*) ;; *) fail "$1: '$2' is not in: $3" ;; esac; }
# A new repository with a branch main and an author.
init() { git init -q -b main "$1"; git -C "$1" config user.name A; git -C "$1" config user.email a@example.org; }
# commit REPOSITORY MESSAGE SECONDS: everything in the work tree as one commit at that time.
commit() {
  git -C "$1" add -A
  GIT_AUTHOR_DATE="$3 +0000" GIT_COMMITTER_DATE="$3 +0000" git -C "$1" commit -q --allow-empty -m "$2"
}
# collect REPOSITORY FILE [OPTION...]: the change events of a history, with a key of the case's own.
collect() { "$DRIFTLINE" collect git "$1" --out "$2" --author-key-file "$WORK/key" "${@:3}"; }
# import REPOSITORY DATA [OPTION...]: imports into a fresh data folder and prints the summary as JSON.
import() { "$DRIFTLINE" up --repo "$1" --data "$2" --listen 127.0.0.1:0 --exit-when-idle --json "${@:3}"; }
