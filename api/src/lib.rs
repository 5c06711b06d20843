//! HTTP over the current view of driftline: axum routes, problem answers, the page at `/`.
//!
//! Invariant: a read answers from one instant of the view and says which ([`driftline_sinks::AsOf`]), in the body and in
//! the `ETag`. Nothing here writes to the view, and nothing grows with the number of requests or connections beyond what
//! `limits` says.

mod changes;
mod export;
mod guard;
mod host;
mod limits;
mod paced;
mod page;
mod problem;
mod read;
mod repositories;
mod routes;
mod server;
mod state;
mod system;
mod track;

pub use changes::{ChangeAnswer, FeatureValue};
pub use host::{BadHost, Hosts};
pub use problem::Problem;
pub use repositories::{Condition, Repositories, RepositoryState};
pub use routes::router;
pub use server::{ServerConfig, listen, serve};
pub use state::{ApiState, DigestsAt, DigestsNow, Readiness};
