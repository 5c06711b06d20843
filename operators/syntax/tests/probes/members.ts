// First values of members, receivers, arms that take everything, heads of loops; the comment above says what counts.
// cc=1 cog=0 params=1
function receiver(this: Window, a) { }
class C {
  // cc=2 cog=1 kind=initializer name=C::typed
  private readonly typed: number = make(p ? 1 : 2);
  declare none: string;
  // cc=1/2 cog=2/1 name=C::held/C::held::<anonymous>
  held: number[] = [1, 2].map((q: number) => q ? 1 : 2);
  within = class {
    // cc=2 cog=1 name=C::within::s
    s = a || b;
  };
}
