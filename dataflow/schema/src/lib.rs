//! Records, ids, fixed-point numbers and wire format of driftline: no input or output, no clocks, no floats in records.
//!
//! Every record is `Ord`, owned and small, so that a collection of them has one order and one digest.

pub mod alert;
pub mod event;
pub mod facts;
pub mod feature;
pub mod fixed;
pub mod ids;
pub mod label;
pub mod language;
pub mod limits;
pub mod model;
mod named;
pub mod position;
pub mod prediction;
pub mod record;
pub mod reject;
pub mod seal;
pub mod structure;
mod text;
pub mod wire;

pub use alert::{Alert, AlertState, DriftRow};
pub use event::{
    Branch, Change, Control, ControlAction, Event, FileChange, FileKind, Hunk, LeftOut, LineCounts, ModelRef, Omitted,
    ParentDiff, Scope, TextEncoding, Vote,
};
pub use facts::{FileFacts, FunctionFacts, FunctionKind, LineClass, LineClasses, SpaceMetrics};
pub use feature::{FeatureGroup, FeatureMeta, Vector};
pub use fixed::Fixed;
pub use ids::{AuthorId, BlobId, CommitId, ControlId, FileId, ModelId, RepoId};
pub use label::{Evidence, EvidenceKind, Label, Verdict};
pub use language::Language;
pub use limits::Limits;
pub use model::ModelInfo;
pub use position::{ChangeKey, Position};
pub use prediction::{ExpertScore, Place, Prediction, Reason, Receipt};
pub use record::{BlobContent, BlobKey, ChangeRow, FileClass, FileRow, HunkRow, KeptRun, Places};
pub use reject::{Envelope, RecordHeader, Reject, RejectReason};
pub use seal::{ControlKey, Seal};
pub use structure::{
    Call, ClassFacts, ClassKind, FieldFacts, Finding, FindingKind, Import, MethodFacts, NameHash, Structure, Window,
};
