// Probes of tokens: operators and operands counted by hand.
// cc=1 n1=12 N1=15 n2=10 N2=11
function g(a: number, b?: Map<string, T>): void { this.x = a!; }
