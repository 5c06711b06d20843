//! Metrics of a class and of its methods, from what its file says of it: integers and pairs of integers.
//!
//! A ratio is kept as the pair it is made of, so that it can be summed, compared and retracted exactly.

use driftline_schema::facts::{FunctionFacts, FunctionKind};
use driftline_schema::{ClassFacts, MethodFacts, NameHash};
use std::cmp::Ordering;

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
    /// Indices of the own methods that each calls.
    calls: Vec<Vec<usize>>,
}

impl<'a> Cohesion<'a> {
    fn new(methods: &'a [&'a MethodFacts], functions: &[FunctionFacts]) -> Self {
        let name =
            |method: &MethodFacts| functions.get(method.function as usize).map_or(0, |row| crate::name_hash(&row.name));
        let mut names: Vec<(NameHash, usize)> =
            methods.iter().enumerate().map(|(index, method)| (name(method), index)).collect();
        names.sort_unstable();
        // A call names all methods of the name: which overload is meant, the name does not say.
        let called = |call: &NameHash| {
            let call = *call;
            let first = names.partition_point(|(name, _)| *name < call);
            names[first..].iter().take_while(move |(name, _)| *name == call).map(|(_, index)| *index)
        };
        let calls = methods.iter().map(|method| method.own_calls.iter().flat_map(called).collect()).collect();
        Self { methods, calls }
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
        // The first user of each field.
        let uses = self.methods.iter().enumerate();
        let uses = uses.flat_map(|(index, method)| method.own_fields.iter().map(move |field| (*field, index)));
        let mut users = distinct(uses.collect());
        users.dedup_by_key(|(field, _)| *field);
        for (index, method) in self.methods.iter().enumerate() {
            let shared = method
                .own_fields
                .iter()
                .filter_map(|field| users.binary_search_by_key(field, |(field, _)| *field).ok().map(|at| users[at].1));
            for other in shared.chain(self.calls[index].iter().copied()) {
                let (from, to) = (root(&mut parents, index), root(&mut parents, other));
                parents[from] = to;
            }
        }
        (0..parents.len()).filter(|index| parents[*index] == *index).count() as u32
    }

    /// Fields a method uses, itself or through own methods.
    fn reached(&self, index: usize) -> Vec<NameHash> {
        if self.calls[index].is_empty() {
            return distinct(self.methods[index].own_fields.clone());
        }
        let mut seen = vec![false; self.methods.len()];
        let mut open = vec![index];
        let mut fields = Vec::new();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut seen[index], true) {
                fields.extend(self.methods[index].own_fields.iter().copied());
                open.extend(self.calls[index].iter().copied());
            }
        }
        distinct(fields)
    }

    /// Pairs of public methods that use a common field, and all their pairs.
    fn tight(&self) -> Option<(u32, u32)> {
        let public: Vec<usize> = (0..self.methods.len()).filter(|index| self.methods[*index].public).collect();
        if public.len() < 2 {
            return None;
        }
        let fields: Vec<Vec<NameHash>> = public.iter().map(|index| self.reached(*index)).collect();
        let connected = fields
            .iter()
            .enumerate()
            .map(|(index, own)| fields[index + 1..].iter().filter(|other| have_common(own, other)).count() as u32);
        let count = public.len() as u32;
        Some((connected.sum(), count * (count - 1) / 2))
    }
}

/// Whether two sorted lists share a name.
fn have_common(a: &[NameHash], b: &[NameHash]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        match left.cmp(right) {
            Ordering::Equal => return true,
            Ordering::Less => a.next(),
            Ordering::Greater => b.next(),
        };
    }
    false
}
