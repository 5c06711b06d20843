// Probes: one construct a function; the comment above holds its cyclomatic and cognitive complexity.
namespace outer {
template <class T> class Box : public Base {
public:
  // cc=1 cog=0 kind=constructor name=outer::Box::Box params=1
  explicit Box(int a) : a_(a) {}
  // cc=1 cog=0 name=outer::Box::~Box
  ~Box() {}
  Box(const Box &) = delete;
  Box &operator=(const Box &) = default;
  virtual int pure(int a) = 0;
  // cc=2 cog=2 kind=method params=1
  int grow(int n) { return n ? this->grow(n - 1) : 0; }
  // cc=1 cog=0 params=2
  int grow(int n, int m) { return grow(n); }
  // cc=1 cog=0 name=outer::Box::operator+ params=1
  Box operator+(const Box &other) const { return other; }
  // cc=1 cog=0 name=outer::Box::operator␣bool params=0
  operator bool() const { return true; }
};
}
// cc=3 cog=2 kind=method name=outer::Box::far params=2
void outer::Box::far(Item &&item, T &&...rest) noexcept { for (auto &&x : item) { (void)x; } try { f(); } catch (const E &e) { throw; } }
// cc=3 cog=3 exits=2
int if_with_declaration(int a) { if (int b = a; b) { return 1; } else if (a) { return 2; } else { } }
// cc=2 cog=1
int among(int a) { return a > 0 ? among(1.5) : 0; }
// cc=2 cog=1
int among(double a) { return a > 0 ? among(1) : 0; }
// cc=3 cog=1
bool words(bool a, bool b, bool c) { return a and b and c; }
// cc=4 cog=3
bool mixed(bool a, bool b, bool c, bool d) { return a && b or c and d; }
// cc=1/2 cog=2/1 name=lambdas/lambdas::f params=0/2
auto lambdas() { auto f = [&](int a, int b) { return a ? b : 0; }; return f; }
// cc=3 cog=1
int switches(int a) { switch (a) { case 1: return 1; case 2: return 2; default: return 3; } }
// cc=1 cog=0
template <class... A> bool folds(A... args) { return (args && ...); }
// cc=5 cog=10 nest=4
void deep(int a) { do { while (a) { for (;;) { if (a) { } } } } while (a); }
// cc=2 cog=1
int jumps(int a) { if (a) { } out: return a; }
// cc=1 cog=0 name=returns_reference params=1
int &returns_reference(int &a) { return a; }
