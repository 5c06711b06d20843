// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
struct S {
  // cc=2 cog=1 kind=initializer name=S::a
  int a = x ? 1 : 2;
  // cc=2 cog=1 name=S::b
  int b{x ? 1 : 2};
  // cc=3 cog=2 name=S::p
  int *p = x && y ? q : r;
  // cc=2 cog=1 name=S::f
  void (*f)(int) = x ? g : h;
  int c = 1, d = make();
};
// cc=1 cog=0 name=Box::operator␣bool params=0 kind=method
template <class T> Box<T>::operator bool() const { return true; }
// cc=1 cog=0 name=Box::Box params=1 kind=constructor
template <class T> Box<T>::Box(int a) { }
// cc=1 cog=0 name=Box::~Box
template <class T> Box<T>::~Box() { }
// cc=1 cog=0 name=Box::get kind=method
template <class T> auto Box<T>::get() const -> T { return 0; }
// cc=1 cog=0 name=A::m params=1
template <> void A<int>::m(int a) { }
// cc=1 cog=0 name=A::m#2
template <> void A<char>::m(int a) { }
// cc=1 cog=0 name=A::operator() params=1
int A::operator()(int a) { return a; }
// cc=1 cog=0 name=A::operator[] params=1
int &A::operator[](int a) { return a; }
// cc=1 cog=0 name=A::operator␣T␣* params=0
A::operator T *() { return 0; }
// cc=1 cog=0 name=A::operator␣std::function<int(int)> params=0
A::operator std::function<int(int)>() { return 0; }
// cc=1 cog=0 name=n::A::operator␣unsigned␣long
n::A<b::c>::operator unsigned long() { return 0; }
// cc=1 cog=0 name=n::A::operator< params=1
template <class T> bool n::A<T>::operator<(const A &b) const { return true; }
// cc=1 cog=0 name=A::operator␣new[] params=1
void *A::operator new[](size_t n) { return 0; }
// cc=1 cog=0 name=operator""_x kind=function
int operator""_x(unsigned long long n) { return 0; }
// cc=2 cog=1 params=1
const T **a_new_type_has_pointers(int n) { const T **all = new const T *[n]; for (int i = 0; i < n; i++) { all[i] = 0; } return all; }
// cc=3 cog=2
void and_qualifiers(int n) { auto a = new volatile std::vector<int> *[n]; auto b = new T const *const[n]; if (n) { } auto c = new (b) const T(1); if (n) { } }
// cc=6 cog=8 nest=2
void heads(int a) { for (int i = a ? 1 : 2; i < (a ? 1 : 2); i++) { } for (auto x : a ? p : q) { } }
// cc=1/2 cog=2/1 name=holds/holds::L::a
int holds() { struct L { int a = x ? 1 : 2; }; return 0; }
