// Probes of tokens: operators and operands counted by hand.
// cc=2 n1=11 N1=13 n2=8 N2=10
auto h(const std::string &s) -> bool { return !s.empty() && this_is(s); }
