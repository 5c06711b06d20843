//! Metrics of a class and of its methods, from what its file says of it: integers and pairs of integers.
//!
//! A ratio is kept as the pair it is made of, so that it can be summed, compared and retracted exactly.

use driftline_schema::facts::{FunctionFacts, FunctionKind};
use driftline_schema::{ClassFacts, MethodFacts, NameHash};
use std::collections::HashMap;

/// Cohesion is not computed for classes of more methods: its cost grows with their square.
const COHESIVE_METHODS_MAX: usize = 2_000;

/// Metrics of one class. A pair `(part, whole)` is a ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassMetrics {
    /// Weighted methods per class: the sum of their cyclomatic complexities (Chidamber and Kemerer 1994).
    pub wmc: u32,
    /// Methods with a body, constructors included.
    pub methods: u32,
    /// Public methods (NPM).
    pub public_methods: u32,
    /// Fields.
    pub fields: u32,
    /// Public fields (NPA).
    pub public_fields: u32,
    /// Connected components of the instance methods (Hitz and Montazeri 1995): joined are methods that share a field or
    /// call each other. Constructors and static methods apart; 0 without methods, `None` beyond 2,000.
    pub lcom4: Option<u32>,
    /// Tight class cohesion (Bieman and Kang 1995): of all pairs of public instance methods those that use a common field,
    /// themselves or through own methods; `None` below two methods or beyond 2,000.
    pub tcc: Option<(u32, u32)>,
    /// Access to foreign data: distinct fields of other objects (Lanza and Marinescu 2006).
    pub atfd: u32,
    /// Weight of class: public methods that are no accessors, of all public members; `None` without any. Constructors
    /// apart.
    pub woc: Option<(u32, u32)>,
}

impl ClassMetrics {
    /// Class data accessibility: public fields of all fields; `None` without fields.
    pub fn cda(&self) -> Option<(u32, u32)> {
        (self.fields > 0).then_some((self.public_fields, self.fields))
    }

    /// Class operation accessibility: public methods of all methods; `None` without methods.
    pub fn coa(&self) -> Option<(u32, u32)> {
        (self.methods > 0).then_some((self.public_methods, self.methods))
    }
}

/// Metrics of one method, for feature envy (Lanza and Marinescu 2006).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodMetrics {
    /// Access to foreign data: distinct fields of other objects.
    pub atfd: u32,
    /// Locality of attribute accesses: own fields of all fields it uses; `None` if it uses none.
    pub laa: Option<(u32, u32)>,
    /// Foreign data providers: distinct other objects whose fields it uses.
    pub fdp: u32,
}

/// What there is, sorted, each once.
fn distinct<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}

/// The metrics of a method.
pub fn method_metrics(method: &MethodFacts) -> MethodMetrics {
    let (own, atfd) = (method.own_fields.len() as u32, method.foreign_fields.len() as u32);
    let providers = distinct(method.foreign_fields.iter().map(|(object, _)| *object).collect());
    MethodMetrics { atfd, laa: (own + atfd > 0).then_some((own, own + atfd)), fdp: providers.len() as u32 }
}

/// The metrics of a class; `functions` are those of its file.
pub fn class_metrics(class: &ClassFacts, functions: &[FunctionFacts]) -> ClassMetrics {
    let function = |method: &MethodFacts| functions.get(method.function as usize);
    let is_constructor =
        |method: &MethodFacts| function(method).is_some_and(|row| row.kind == FunctionKind::Constructor);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let public = |method: &&MethodFacts| method.public;
    let foreign = distinct(class.methods.iter().flat_map(|method| &method.foreign_fields).collect());
    let public_fields = class.fields.iter().filter(|field| field.public).count();
    let offered = class.methods.iter().filter(public).filter(|method| !is_constructor(method));
    let (offered, accessors) =
        offered.fold((0, 0), |(all, accessors), method| (all + 1, accessors + usize::from(method.accessor)));
    let members = offered + public_fields;
    let instance: Vec<&MethodFacts> =
        class.methods.iter().filter(|method| !method.shared && !is_constructor(method)).collect();
    let cohesion = (instance.len() <= COHESIVE_METHODS_MAX).then(|| Cohesion::new(&instance, functions));
    ClassMetrics {
        wmc: class.methods.iter().filter_map(function).map(|row| row.metrics.cyclomatic).sum(),
        methods: count(class.methods.len()),
        public_methods: count(class.methods.iter().filter(public).count()),
        fields: count(class.fields.len()),
        public_fields: count(public_fields),
        lcom4: cohesion.as_ref().map(Cohesion::components),
        tcc: cohesion.as_ref().and_then(Cohesion::tight),
        atfd: count(foreign.len()),
        woc: (members > 0).then_some((count(offered - accessors), count(members))),
    }
}

/// The instance methods of a class, whom each calls and which fields each uses.
struct Cohesion<'a> {
    methods: &'a [&'a MethodFacts],
    /// Names of the methods with their indices, sorted.
    names: Vec<(NameHash, usize)>,
}

impl<'a> Cohesion<'a> {
    fn new(methods: &'a [&'a MethodFacts], functions: &[FunctionFacts]) -> Self {
        let name =
            |method: &MethodFacts| functions.get(method.function as usize).map_or(0, |row| crate::name_hash(&row.name));
        let mut names: Vec<(NameHash, usize)> =
            methods.iter().enumerate().map(|(index, method)| (name(method), index)).collect();
        names.sort_unstable();
        Self { methods, names }
    }

    /// The methods that a call may mean: all of the name, as which overload is meant, the name does not say.
    fn called(&self, call: NameHash) -> &[(NameHash, usize)] {
        let first = self.names.partition_point(|(name, _)| *name < call);
        let rest = &self.names[first..];
        &rest[..rest.partition_point(|(name, _)| *name == call)]
    }

    /// Each use of a field, by field and index of the method.
    fn uses(&self) -> Vec<(NameHash, usize)> {
        let uses = self.methods.iter().enumerate();
        distinct(uses.flat_map(|(index, method)| method.own_fields.iter().map(move |field| (*field, index))).collect())
    }

    /// Components of the graph of shared fields and calls.
    fn components(&self) -> u32 {
        let mut parents: Vec<usize> = (0..self.methods.len()).collect();
        fn root(parents: &mut [usize], mut index: usize) -> usize {
            while parents[index] != index {
                parents[index] = parents[parents[index]];
                index = parents[index];
            }
            index
        }
        let mut join = |one: usize, other: usize| {
            let (from, to) = (root(&mut parents, one), root(&mut parents, other));
            parents[from] = to;
        };
        for users in self.uses().chunk_by(|(one, _), (other, _)| one == other) {
            users.windows(2).for_each(|pair| join(pair[0].1, pair[1].1));
        }
        let mut joined = vec![false; self.methods.len()];
        for (index, method) in self.methods.iter().enumerate() {
            for call in &method.own_calls {
                let Some((_, first)) = self.called(*call).first() else { continue };
                join(index, *first);
                // Methods of one name are joined with each other at the first call of it.
                if !std::mem::replace(&mut joined[*first], true) {
                    self.called(*call).iter().for_each(|(_, other)| join(*first, *other));
                }
            }
        }
        (0..parents.len()).filter(|index| parents[*index] == *index).count() as u32
    }

    /// Which methods each reaches through calls, itself included (Warshall's algorithm).
    fn reached(&self) -> Vec<Bits> {
        let count = self.methods.len();
        let mut reached: Vec<Bits> = (0..count).map(|index| Bits::of(count, [index])).collect();
        let mut of_name: HashMap<NameHash, Bits> = HashMap::new();
        for (index, method) in self.methods.iter().enumerate() {
            for call in &method.own_calls {
                let named = || Bits::of(count, self.called(*call).iter().map(|(_, other)| *other));
                reached[index].add(of_name.entry(*call).or_insert_with(named));
            }
        }
        for through in (0..count).filter(|index| !self.methods[*index].own_calls.is_empty()) {
            let on = reached[through].clone();
            for row in reached.iter_mut().filter(|row| row.has(through)) {
                row.add(&on);
            }
        }
        reached
    }

    /// Pairs of public methods that use a common field, themselves or through own methods, and all their pairs.
    fn tight(&self) -> Option<(u32, u32)> {
        let public: Vec<usize> = (0..self.methods.len()).filter(|index| self.methods[*index].public).collect();
        if public.len() < 2 {
            return None;
        }
        let (all, reached) = (self.methods.len(), self.reached());
        // The public methods that reach each method, by their numbers among the public ones.
        let mut reaching = vec![Bits::of(public.len(), []); all];
        for (number, index) in public.iter().enumerate() {
            reached[*index].ones().for_each(|method| reaching[method].set(number));
        }
        // Of each method, the public methods that use a field which it uses itself.
        let mut sharing = vec![Bits::of(public.len(), []); all];
        for users in self.uses().chunk_by(|(one, _), (other, _)| one == other) {
            let mut using = Bits::of(public.len(), []);
            users.iter().for_each(|(_, user)| using.add(&reaching[*user]));
            users.iter().for_each(|(_, user)| sharing[*user].add(&using));
        }
        let connected = public.iter().enumerate().map(|(number, index)| {
            let mut connected = Bits::of(public.len(), []);
            reached[*index].ones().for_each(|method| connected.add(&sharing[method]));
            connected.ones().filter(|other| *other > number).count() as u32
        });
        let count = public.len() as u32;
        Some((connected.sum(), count * (count - 1) / 2))
    }
}

/// A set of small numbers.
#[derive(Clone)]
struct Bits(Box<[u64]>);

impl Bits {
    /// The set of `ones`, all below `bound`.
    fn of(bound: usize, ones: impl IntoIterator<Item = usize>) -> Self {
        let mut bits = Self(vec![0; bound.div_ceil(64)].into());
        ones.into_iter().for_each(|one| bits.set(one));
        bits
    }

    fn set(&mut self, one: usize) {
        self.0[one / 64] |= 1 << (one % 64);
    }

    fn has(&self, one: usize) -> bool {
        self.0[one / 64] >> (one % 64) & 1 == 1
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own |= other);
    }

    fn ones(&self) -> impl Iterator<Item = usize> {
        let ones_of = |(at, word): (usize, &u64)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let one = word.trailing_zeros() as usize;
                word &= word.wrapping_sub(1);
                (one < 64).then_some(64 * at + one)
            })
        };
        self.0.iter().enumerate().flat_map(ones_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use driftline_schema::SpaceMetrics;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A method: its name, whether it is public, the fields it uses, the names it calls.
    type Made = (u8, bool, Vec<u64>, Vec<u8>);

    fn name(number: u8) -> String {
        format!("m{number}")
    }

    fn function(made: &Made) -> FunctionFacts {
        FunctionFacts {
            name: name(made.0).into(),
            qualified_name: Box::default(),
            kind: FunctionKind::Method,
            start_line: 1,
            end_line: 1,
            metrics: SpaceMetrics::default(),
            text_hash: 0,
        }
    }

    fn method(index: usize, (_, public, fields, calls): &Made) -> MethodFacts {
        let own_calls = distinct(calls.iter().map(|call| crate::name_hash(&name(*call))).collect());
        MethodFacts {
            function: index as u32,
            public: *public,
            shared: false,
            accessor: false,
            own_fields: distinct(fields.clone()),
            own_calls,
            foreign_fields: Vec::new(),
        }
    }

    /// The definition: the methods that each reaches, one call after the other, and all pairs of them.
    fn batch(all: &[Made]) -> (u32, Option<(u32, u32)>) {
        let reached = |index: usize| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![index]);
            while let Some(index) = open.pop() {
                if seen.insert(index) {
                    open.extend((0..all.len()).filter(|other| all[index].3.contains(&all[*other].0)));
                }
            }
            seen
        };
        let fields = |methods: &BTreeSet<usize>| -> BTreeSet<u64> {
            methods.iter().flat_map(|index| all[*index].2.iter().copied()).collect()
        };
        let mut parts: Vec<usize> = (0..all.len()).collect();
        for (one, a) in all.iter().enumerate() {
            for (other, b) in all.iter().enumerate() {
                if a.2.iter().any(|field| b.2.contains(field)) || a.3.contains(&b.0) {
                    let (from, to) = (parts[one], parts[other]);
                    parts.iter_mut().filter(|part| **part == from).for_each(|part| *part = to);
                }
            }
        }
        let public: Vec<BTreeSet<u64>> =
            (0..all.len()).filter(|index| all[*index].1).map(|index| fields(&reached(index))).collect();
        let pairs = (0..public.len()).flat_map(|one| (one + 1..public.len()).map(move |other| (one, other)));
        let tied = pairs.clone().filter(|(one, other)| !public[*one].is_disjoint(&public[*other])).count();
        let tight = (public.len() > 1).then(|| (tied as u32, pairs.count() as u32));
        (parts.into_iter().collect::<BTreeSet<_>>().len() as u32, tight)
    }

    proptest! {
        #[test]
        fn cohesion_is_that_of_all_pairs(
            all in prop::collection::vec(
                (0..6u8, any::<bool>(), prop::collection::vec(0..9u64, 0..3), prop::collection::vec(0..8u8, 0..3)),
                0..90,
            ),
        ) {
            let functions: Vec<FunctionFacts> = all.iter().map(function).collect();
            let methods: Vec<MethodFacts> = all.iter().enumerate().map(|(index, made)| method(index, made)).collect();
            let methods: Vec<&MethodFacts> = methods.iter().collect();
            let cohesion = Cohesion::new(&methods, &functions);
            prop_assert_eq!((cohesion.components(), cohesion.tight()), batch(&all));
        }
    }

    #[test]
    fn methods_of_one_name_that_call_each_other_are_no_stall() {
        let all: Vec<Made> = (0..600).map(|index| (0, true, vec![index], vec![0])).collect();
        let functions: Vec<FunctionFacts> = all.iter().map(function).collect();
        let methods: Vec<MethodFacts> = all.iter().enumerate().map(|(index, made)| method(index, made)).collect();
        let methods: Vec<&MethodFacts> = methods.iter().collect();
        let cohesion = Cohesion::new(&methods, &functions);
        assert_eq!((cohesion.components(), cohesion.tight()), (1, Some((179_700, 179_700))));
    }
}
