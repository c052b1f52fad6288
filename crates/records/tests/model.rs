//! Any sequence of operations gives what it would give on a vector.

mod common;

use common::{Bar, bar};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use proptest::test_runner::Config;
use samovar_records::RecordFile;

#[derive(Clone, Debug)]
enum Op {
    Push(u32),
    Extend(Vec<u32>),
    Set(usize, u32),
    UpdateLast(u32),
    KeepLast(usize),
    Reserve(usize),
    Reopen,
    Search(i64),
    Range(usize, usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => any::<u32>().prop_map(Op::Push),
        3 => prop::collection::vec(any::<u32>(), 0..120).prop_map(Op::Extend),
        3 => (0usize..200, any::<u32>()).prop_map(|(index, number)| Op::Set(index, number)),
        3 => any::<u32>().prop_map(Op::UpdateLast),
        3 => (0usize..250).prop_map(Op::KeepLast),
        1 => (0usize..400).prop_map(Op::Reserve),
        1 => proptest::prelude::Just(Op::Reopen),
        1 => any::<i64>().prop_map(Op::Search),
        2 => (0usize..200, 0usize..200).prop_map(|(from, len)| Op::Range(from, from + len)),
    ]
}

struct Pair {
    file: Option<RecordFile<Bar>>,
    reader: RecordFile<Bar>,
    path: std::path::PathBuf,
    model: Vec<Bar>,
}

impl Pair {
    fn file(&self) -> &RecordFile<Bar> {
        self.file.as_ref().unwrap()
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Push(number) => {
                self.file().push(&bar(*number)).unwrap();
                self.model.push(bar(*number));
            }
            Op::Extend(numbers) => {
                let bars: Vec<Bar> = numbers.iter().copied().map(bar).collect();
                self.file().extend_from_slice(&bars).unwrap();
                self.model.extend(bars);
            }
            Op::Set(index, number) => {
                let done = self.file().set(*index, &bar(*number)).is_ok();
                assert_eq!(done, self.model.get_mut(*index).map(|old| *old = bar(*number)).is_some());
            }
            Op::UpdateLast(number) => {
                let done = self.file().update_last(&bar(*number)).is_ok();
                assert_eq!(done, self.model.last_mut().map(|old| *old = bar(*number)).is_some());
            }
            Op::KeepLast(keep) => {
                self.file().truncate_front(*keep).unwrap();
                self.model.drain(..self.model.len().saturating_sub(*keep));
            }
            Op::Reserve(additional) => {
                self.file().reserve(*additional).unwrap();
                assert!(self.file().capacity().unwrap() >= self.model.len() + additional);
            }
            Op::Reopen => {
                self.file = None;
                self.file = Some(RecordFile::open_writer(&self.path).unwrap());
            }
            Op::Search(time) => {
                let mut sorted = self.model.clone();
                sorted.sort_by_key(|bar| bar.time);
                if sorted == self.model {
                    let found = self.file().binary_search_by_key(time, |bar| bar.time).unwrap();
                    assert_eq!(found, self.model.binary_search_by_key(time, |bar| bar.time));
                }
            }
            Op::Range(from, to) => {
                let part: Vec<Bar> = self.reader.range(*from..*to).unwrap().map(Result::unwrap).collect();
                let end = self.model.len();
                assert_eq!(part, self.model[(*from).min(end)..(*to).min(end)]);
            }
        }
    }

    fn check(&self) {
        for file in [self.file(), &self.reader] {
            assert_eq!(file.len().unwrap(), self.model.len());
            assert_eq!(file.to_vec().unwrap(), self.model);
            assert_eq!(file.last().unwrap(), self.model.last().copied());
            for index in [0, self.model.len() / 2, self.model.len()] {
                assert_eq!(file.get(index).unwrap(), self.model.get(index).copied());
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_file_is_a_vector(ops in prop::collection::vec(op(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars");
        let file = Some(RecordFile::create(&path).unwrap());
        let reader = RecordFile::open(&path).unwrap();
        let mut pair = Pair { file, reader, path, model: Vec::new() };
        for op in &ops {
            pair.apply(op);
            pair.check();
        }
    }
}
