//! Smells on facts made by hand: each threshold from both sides, and what a smell tells.

use super::*;
use driftline_schema::Language;
use driftline_schema::facts::{FunctionKind, LineClasses, SpaceMetrics};
use driftline_schema::{MethodFacts, Structure};

fn function(metrics: SpaceMetrics) -> FunctionFacts {
    FunctionFacts {
        name: "f".into(),
        qualified_name: "A::f".into(),
        kind: FunctionKind::Method,
        start_line: 3,
        end_line: 9,
        metrics,
        text_hash: 0,
    }
}

fn file(functions: Vec<FunctionFacts>, structure: Structure) -> FileFacts {
    let (metrics, lines) = (SpaceMetrics::default(), LineClasses::default());
    FileFacts {
        language: Language::Java,
        bytes: 0,
        error_bytes: 0,
        truncated: false,
        metrics,
        functions,
        lines,
        structure,
    }
}

fn kinds(metrics: SpaceMetrics) -> Vec<SmellKind> {
    let facts = file(vec![function(metrics)], Structure::default());
    smells(&facts, &Thresholds::default()).iter().map(|smell| smell.kind).collect()
}

#[test]
fn a_function_at_each_threshold_is_clean_and_over_it_smells() {
    let zero = SpaceMetrics::default();
    assert_eq!(kinds(SpaceMetrics { ploc: 50, params: 5, nesting: 4, cyclomatic: 10, cognitive: 15, ..zero }), []);
    assert_eq!(kinds(SpaceMetrics { ploc: 51, ..zero }), [SmellKind::LongMethod]);
    assert_eq!(kinds(SpaceMetrics { params: 6, ..zero }), [SmellKind::LongParameterList]);
    assert_eq!(kinds(SpaceMetrics { nesting: 5, ..zero }), [SmellKind::DeepNesting]);
    assert_eq!(kinds(SpaceMetrics { cyclomatic: 11, ..zero }), [SmellKind::ComplexMethod]);
    assert_eq!(kinds(SpaceMetrics { cognitive: 16, ..zero }), [SmellKind::ComplexMethod]);
}

#[test]
fn a_smell_tells_its_place_its_values_and_its_thresholds() {
    let metrics = SpaceMetrics { cyclomatic: 12, cognitive: 20, ..SpaceMetrics::default() };
    let found = smells(&file(vec![function(metrics)], Structure::default()), &Thresholds::default());
    let json = serde_json::to_value(&found).expect("plain data");
    let expected = serde_json::json!([{
        "start_line": 3, "end_line": 9, "kind": "complex_method", "place": "A::f",
        "evidence": [
            {"measure": "cyclomatic", "value": 12, "relation": "over", "threshold": 10},
            {"measure": "cognitive", "value": 20, "relation": "over", "threshold": 15},
        ],
    }]);
    assert_eq!(json, expected);
}

#[test]
fn a_threshold_moves_the_border() {
    let facts = file(vec![function(SpaceMetrics { params: 3, ..SpaceMetrics::default() })], Structure::default());
    let strict = Thresholds { long_parameter_list_params: 2, ..Thresholds::default() };
    assert_eq!(smells(&facts, &strict).len(), 1);
    assert_eq!(smells(&facts, &Thresholds::default()).len(), 0);
}

#[test]
fn a_finding_smells_in_the_function_it_stands_in() {
    let finding = |line, kind, function| Finding { line, kind, function };
    let findings = vec![
        finding(5, FindingKind::EmptyCatch, 0),
        finding(1, FindingKind::MagicNumber, u32::MAX),
        finding(8, FindingKind::DeadCode, 0),
    ];
    let structure = Structure { findings, ..Structure::default() };
    let found = smells(&file(vec![function(SpaceMetrics::default())], structure), &Thresholds::default());
    let places: Vec<_> = found.iter().map(|s| (s.start_line, s.kind, &*s.place)).collect();
    let expected =
        [(1, SmellKind::MagicNumber, ""), (5, SmellKind::EmptyCatch, "A::f"), (8, SmellKind::DeadCode, "A::f")];
    assert_eq!(places, expected);
}

fn envious(own: u32, foreign: &[(u64, u64)]) -> usize {
    let method = MethodFacts {
        function: 0,
        public: true,
        shared: false,
        accessor: false,
        own_fields: (0..u64::from(own)).collect(),
        own_calls: Vec::new(),
        foreign_fields: foreign.to_vec(),
    };
    let class = ClassFacts {
        name: "A".into(),
        qualified_name: "A".into(),
        kind: driftline_schema::ClassKind::Class,
        start_line: 1,
        end_line: 10,
        bases: Vec::new(),
        fields: Vec::new(),
        methods: vec![method],
    };
    let structure = Structure { classes: vec![class], ..Structure::default() };
    smells(&file(vec![function(SpaceMetrics::default())], structure), &Thresholds::default()).len()
}

#[test]
fn envy_needs_much_foreign_data_of_few_objects_and_little_of_its_own() {
    let of_one = |count: u64| (0..count).map(|field| (7, field)).collect::<Vec<_>>();
    assert_eq!(envious(0, &of_one(6)), 1);
    assert_eq!(envious(0, &of_one(5)), 0, "five foreign fields are not over five");
    assert_eq!(envious(2, &of_one(6)), 1, "2/8 is below 1/3");
    assert_eq!(envious(3, &of_one(6)), 0, "3/9 is not below 1/3");
    let of_six: Vec<_> = (0..6).map(|object| (object, 1)).collect();
    assert_eq!(envious(0, &of_six), 0, "six objects are not few");
}

#[test]
fn names_equal_the_serialised_form() {
    for kind in SmellKind::ALL {
        assert_eq!(serde_json::to_value(kind).expect("plain data"), kind.name());
    }
}

#[test]
fn every_kind_has_its_part_of_the_page_with_the_thresholds_as_they_are() {
    for kind in SmellKind::ALL {
        assert!(kind.help().len() > 60 && !kind.help().contains("##"), "{}: {}", kind.name(), kind.help());
    }
    let thresholds = serde_json::to_value(Thresholds::default()).expect("plain data");
    for (name, value) in thresholds.as_object().expect("a struct") {
        let written = format!("`{name} = {}`", value.to_string().trim_matches('"'));
        // A line may end within it.
        assert!(PAGE.replace('\n', " ").contains(&written), "the page does not say {written}");
    }
}
