//! The collector against git itself: every shape of history is built with git and its events are compared with what git
//! says of the same commits.

mod agreement;
mod command;
mod follow;
mod heads;
pub(super) mod kit;
mod large;
mod odd;
mod oracle;
mod range;
mod regular;
mod rewrites;
mod shapes;
