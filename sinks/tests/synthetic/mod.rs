//! A made-up but plausible state of a few repositories, for measuring and for looking at; the same on every run.
//!
//! Shapes follow real histories: long-tailed sizes, some thirty reasons, up to five places with ordinary path lengths.

#![allow(dead_code)]

use driftline_schema::{
    Alert, AlertState, ChangeKey, CommitId, DriftRow, Evidence, EvidenceKind, ExpertScore, FeatureGroup, FeatureMeta,
    Fixed, Label, ModelId, ModelInfo, Place, Position, Prediction, Reason, Receipt, Reject, RejectReason, RepoId,
    Scope, Vector, Verdict,
};
use driftline_sinks::{ChangeSummary, ClosedTime};

/// Features of a synthetic vector.
pub(crate) const FEATURES: [FeatureMeta; 30] = features();

const NAMES: [(&str, FeatureGroup, &str); 30] = [
    ("la", FeatureGroup::Size, "lines"),
    ("ld", FeatureGroup::Size, "lines"),
    ("lt", FeatureGroup::Size, "lines"),
    ("hunks", FeatureGroup::Size, "hunks"),
    ("largest_hunk", FeatureGroup::Size, "lines"),
    ("la_code", FeatureGroup::Size, "lines"),
    ("ns", FeatureGroup::Diffusion, "subsystems"),
    ("nd", FeatureGroup::Diffusion, "directories"),
    ("nf", FeatureGroup::Diffusion, "files"),
    ("entropy", FeatureGroup::Diffusion, "bits"),
    ("languages", FeatureGroup::Diffusion, "languages"),
    ("ndev", FeatureGroup::History, "developers"),
    ("age", FeatureGroup::History, "days"),
    ("nuc", FeatureGroup::History, "changes"),
    ("fixes_recent", FeatureGroup::History, "fixes"),
    ("defects_recent", FeatureGroup::History, "defects"),
    ("reverts", FeatureGroup::History, "reverts"),
    ("ownership", FeatureGroup::History, "ratio"),
    ("exp", FeatureGroup::Author, "changes"),
    ("rexp", FeatureGroup::Author, "changes"),
    ("sexp", FeatureGroup::Author, "changes"),
    ("first_time", FeatureGroup::Author, "flag"),
    ("hour", FeatureGroup::Author, "hours"),
    ("fix", FeatureGroup::Purpose, "flag"),
    ("refactor", FeatureGroup::Purpose, "flag"),
    ("cyclomatic", FeatureGroup::Syntax, "paths"),
    ("cyclomatic_delta", FeatureGroup::Syntax, "paths"),
    ("cognitive", FeatureGroup::Syntax, "points"),
    ("cognitive_delta", FeatureGroup::Syntax, "points"),
    ("nesting", FeatureGroup::Syntax, "levels"),
];

const fn features() -> [FeatureMeta; 30] {
    const EMPTY: FeatureMeta =
        FeatureMeta { name: "", group: FeatureGroup::Size, unit: "", definition: "A made-up value.", source: "none" };
    let mut table = [EMPTY; 30];
    let mut at = 0;
    while at < NAMES.len() {
        (table[at].name, table[at].group, table[at].unit) = NAMES[at];
        at += 1;
    }
    table
}

/// SplitMix64.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    /// Small numbers often, large ones rarely.
    pub(crate) fn skewed(&mut self, bound: u64) -> u64 {
        let top = self.below(bound) + 1;
        let top = self.below(top) + 1;
        self.below(top)
    }
}

/// Reasons of a prediction, as many as the engine names.
const REASONS: usize = 8;

const REPOSITORIES: [&str; 4] = ["acme/payments", "acme/web-shop", "acme/infra", "tools"];
const SUBJECTS: [&str; 8] = [
    "Retry the transfer when the ledger answers 503",
    "Move session handling into its own module",
    "Fix off-by-one in pagination of search results",
    "Bump dependencies",
    "Add <script>alert(1)</script> to the escape tests & \"quote\" them",
    "Cache compiled templates between requests",
    "Speed up import of large CSV files by reading them in chunks",
    "Document the release process",
];
const PATHS: [&str; 8] = [
    "src/ledger/transfer.rs",
    "web/app/components/checkout/PaymentForm.tsx",
    "lib/search/pagination.py",
    "internal/session/store.go",
    "src/main/java/com/acme/import/CsvReader.java",
    "templates/cache.js",
    "infra/modules/network/main.cc",
    "docs/release.md",
];

fn commit(numbers: &mut Numbers) -> CommitId {
    let bytes: Vec<u8> = (0..20).map(|_| numbers.next() as u8).collect();
    CommitId::from_bytes(&bytes).expect("20 bytes")
}

/// Prediction number `serial`, one offset of partition 0 or 1 after another, and the values of its features.
pub(crate) fn prediction(numbers: &mut Numbers, serial: u64) -> (Prediction, Box<[Fixed]>) {
    let repository = REPOSITORIES[numbers.below(4) as usize];
    let risk = Fixed((numbers.skewed(1_000_000) + numbers.below(50_000)).min(999_999) as i64);
    let mut reasons: Vec<_> = NAMES
        .iter()
        .map(|(feature, group, _)| Reason {
            feature: (*feature).to_owned(),
            group: *group,
            value: Fixed::from_int(numbers.skewed(400) as i64),
            contribution: Fixed(numbers.skewed(900_000) as i64 - 150_000),
        })
        .collect();
    reasons.sort_by_key(|reason| -reason.contribution.0.abs());
    let sum = |size: bool| {
        let side = reasons.iter().filter(|reason| (reason.group == FeatureGroup::Size) == size);
        Fixed(side.map(|reason| reason.contribution.0).sum())
    };
    let (size_contribution, other_contribution) = (sum(true), sum(false));
    let base = Fixed(-2_000_000);
    let values = reasons.iter().map(|reason| reason.value).collect();
    let remaining = reasons.drain(REASONS..).map(|reason| reason.contribution.0).sum();
    let prediction = Prediction {
        repository: repository.to_owned(),
        commit: commit(numbers),
        subject: SUBJECTS[numbers.below(8) as usize].to_owned(),
        time: 1_790_000_000 + serial as i64 * 600,
        risk: Some(risk),
        percentile: Some(Fixed(numbers.below(1_000_001) as i64)),
        abstained: None,
        experts: ["lines_added", "logistic", "gbdt"]
            .map(|expert| ExpertScore { expert: expert.to_owned(), value: Fixed(numbers.below(1_000_000) as i64) })
            .to_vec(),
        reasons,
        base,
        remaining_contribution: Fixed(remaining),
        score: base + size_contribution + other_contribution,
        size_contribution,
        other_contribution,
        places: (0..numbers.below(5)).map(|_| place(numbers)).collect(),
        receipt: Receipt {
            position: position(serial),
            model: Some(ModelId([numbers.below(3) as u8 + 1; 32])),
            cut: Some(serial / 500),
            features_version: 1,
        },
    };
    (prediction, values)
}

fn position(serial: u64) -> Position {
    Position { partition: (serial % 2) as u32, offset: serial / 2 }
}

fn place(numbers: &mut Numbers) -> Place {
    let start_line = numbers.below(900) as u32 + 1;
    Place {
        path: PATHS[numbers.below(8) as usize].to_owned(),
        function: Some(
            ["transfer", "render", "next_page", "load_session", "read_chunk"][numbers.below(5) as usize].to_owned(),
        ),
        start_line,
        end_line: start_line + numbers.below(80) as u32,
        changed_lines: numbers.skewed(60) as u32 + 1,
        cognitive: numbers.skewed(40) as u32,
        cognitive_delta: numbers.below(9) as i32 - 2,
    }
}

/// One closed time with `rows` changes from `first` on, every part of them, and as much of the rest as it takes.
pub(crate) fn closed_time(numbers: &mut Numbers, time: u64, first: u64, rows: u64) -> ClosedTime {
    let mut closed = ClosedTime { time, ..ClosedTime::default() };
    for serial in first..first + rows {
        change(numbers, serial, &mut closed);
    }
    let end = first + rows;
    closed.as_of = vec![end.div_ceil(2), end / 2];
    closed.event_clock = vec![(position(end - 1), 1_790_000_000 + end as i64 * 600)];
    closed.rejects = (0..rows / 50)
        .map(|number| Reject {
            position: position(first + number),
            reason: RejectReason::NotAnEvent,
            detail: "made up".to_owned(),
            key: "acme/payments".into(),
            commit: None,
            bytes: (*b"{}").into(),
            envelope: None,
        })
        .collect();
    closed
}

fn change(numbers: &mut Numbers, serial: u64, closed: &mut ClosedTime) {
    let (prediction, values) = prediction(numbers, serial);
    let key = ChangeKey { repo: RepoId::of(&prediction.repository), position: prediction.receipt.position };
    closed.vectors.push((Vector { key, time: prediction.time, values }, 1));
    closed.changes.push((
        ChangeSummary {
            key,
            repository: prediction.repository.clone(),
            commit: prediction.commit,
            subject: prediction.subject.clone(),
            time: prediction.time,
        },
        1,
    ));
    // Riskier changes turn out defective more often, as they should.
    let defective = numbers.below(1_000_000) < prediction.risk.unwrap_or_default().0 as u64;
    let (verdict, kind) =
        if defective { (Verdict::Defective, EvidenceKind::Szz) } else { (Verdict::Clean, EvidenceKind::Waiting) };
    let label = Label { verdict, kind, provisional: !defective, evidence: 1 };
    closed.labels.push(((key, label), 1));
    closed.evidence.push((Evidence { change: key, kind, verdict, source: position(serial + 9), weight: 1 }, 1));
    closed.predictions.push((prediction, 1));
}

/// Drift rows, an open and a resolved alert, and models.
pub(crate) fn add_states(numbers: &mut Numbers, closed: &mut ClosedTime) {
    for repository in REPOSITORIES {
        for (feature, _, _) in &NAMES[..8] {
            let psi = Fixed(numbers.skewed(400_000) as i64);
            let row = DriftRow {
                repo: RepoId::of(repository),
                repository: repository.to_owned(),
                feature: (*feature).to_owned(),
                position: position(numbers.below(1_000)),
                bins_version: 1,
                reference_rows: 1_000,
                current_rows: 250,
                psi,
                chi_square: Fixed(psi.0 * 90),
                js_distance: Fixed(psi.0 / 2),
                p_value: Fixed(1_000_000 / (1 + psi.0 / 1_000)),
                p_adjusted: Fixed(1_500_000 / (2 + psi.0 / 1_000)),
                drifting: psi.0 > 200_000,
            };
            closed.drift.push((row, 1));
        }
        let scope = Scope::Repository(repository.to_owned());
        let model = ModelInfo {
            id: ModelId([numbers.below(250) as u8; 32]),
            scope,
            cut: 3,
            rows: 4_000,
            defective: 700,
            features_version: 1,
        };
        closed.models.push((model, 1));
    }
    for state in [AlertState::Open, AlertState::Resolved] {
        let shut = state == AlertState::Resolved;
        let alert = Alert {
            id: format!("{:016x}", numbers.next()),
            repository: REPOSITORIES[0].to_owned(),
            feature: if shut { "nf" } else { "la" }.to_owned(),
            state,
            opened_at: position(40),
            opened_time: 1_790_400_000,
            resolved_at: shut.then(|| position(90)),
            resolution: shut.then(|| "the window looks like the reference again".to_owned()),
            psi: Fixed(312_500),
            p_adjusted: Fixed(1_200),
            summary: "`la` of recent changes no longer looks like the reference (PSI 0.3125)".to_owned(),
        };
        closed.alerts.push((alert, 1));
    }
}
