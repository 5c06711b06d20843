// Probes: macros in the heads of classes.
class OUTER_EXPORT Exported final : public Box<int> {
 public:
  // cc=2 cog=1 params=1 name=Exported::way kind=method
  int way(int a) const { return a ? 1 : 2; }
};
struct EMPTY Nothing {
  // cc=1 cog=0 name=Nothing::~Nothing kind=method
  virtual ~Nothing() {}
};
