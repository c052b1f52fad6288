//! The rules that a reader may rely on, held by tests: what a file is, who may use whom, which words there are, and that what the pages
//! name is there.

mod canaries;
mod form;
mod graph;
mod pages;
mod rooms;
mod source;
mod words;
