//! The rules that a reader may rely on, held by tests: what a file is, who may use whom, and which words there are.
//! Everything that the pages name exists.

mod canaries;
mod form;
mod graph;
mod pages;
mod prose;
mod rooms;
mod source;
mod words;
