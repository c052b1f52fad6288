//! Maps of every kind, their views and words, and what can be asked of their pages.

#[path = "../common/mod.rs"]
mod common;
mod kinds;
mod map;
#[cfg(unix)]
mod pages;
mod readme;
mod trust;
mod view;
#[cfg(windows)]
mod windows;
