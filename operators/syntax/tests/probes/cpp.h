// Probes: a header of C++, which its name does not say.
#ifndef CPP_H
#define CPP_H
namespace outer {
template <class T>
class Box : public Base<T> {
 public:
  // cc=1 cog=0 params=1 name=outer::Box::Box kind=constructor
  explicit Box(T value) : value_(value) {}
  // cc=2 cog=1 params=0 name=outer::Box::get kind=method
  T get() const { return value_ ? value_ : T(); }

 private:
  T value_;
};
// cc=1 cog=0 name=outer::free kind=function
inline int free(const std::vector<int>& values) { return values.size(); }
}  // namespace outer
#endif
