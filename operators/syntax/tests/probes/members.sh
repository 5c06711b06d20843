# First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
# cc=2 cog=1
arms() { case $1 in a) x ;; -h|*) y ;; esac; }
# cc=3 cog=1
others() { case $1 in a) x ;; *.c) y ;; esac; }
# cc=3 cog=3
jumps() { while x; do break 1; done; while x; do break 2; done; }
