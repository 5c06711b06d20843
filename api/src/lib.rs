//! HTTP over the current view of driftline: axum routes, problem answers, the page at `/`.
//!
//! Invariant: a read answers from one instant of the view and says which ([`driftline_sinks::AsOf`]), in the body and in
//! the `ETag`. Nothing here writes to the view, and nothing grows with the number of requests.

mod limits;
mod page;
mod problem;
mod read;
mod routes;
mod server;
mod state;
mod system;
mod track;

pub use problem::Problem;
pub use routes::router;
pub use server::serve;
pub use state::{ApiState, Readiness};
