//! Any sequence of operations gives what it would give on a vector.

use crate::common::{Bar, Form, bar};
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
    Flush,
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
        1 => proptest::prelude::Just(Op::Flush),
        1 => any::<i64>().prop_map(Op::Search),
        2 => (0usize..200, 0usize..200).prop_map(|(from, len)| Op::Range(from, from + len)),
    ]
}

type Open = Box<dyn Fn() -> samovar_records::Result<RecordFile<Bar>>>;

struct Pair {
    file: Option<RecordFile<Bar>>,
    reader: RecordFile<Bar>,
    open: Open,
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
                self.file = Some((self.open)().unwrap());
            }
            Op::Flush => {
                self.file().flush().unwrap();
                let info = self.file().info().unwrap();
                assert_eq!(info.durable, info.len as u64);
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
            let view = file.view().unwrap();
            assert_eq!(view.len(), self.model.len());
            for index in [0, self.model.len() / 2, self.model.len().saturating_sub(1), self.model.len()] {
                assert_eq!(file.get(index).unwrap(), self.model.get(index).copied());
                assert_eq!(view.get(index).unwrap(), self.model.get(index).copied());
            }
            let mut closes = Vec::new();
            view.for_each_column(|bar| &bar.close, |some| closes.extend_from_slice(some)).unwrap();
            assert!(closes.iter().eq(self.model.iter().map(|bar| &bar.close)));
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 60, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_table_of_a_pack_is_a_vector(ops in prop::collection::vec(op(), 1..60), checksums in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let form = if checksums { Form::Checksums } else { Form::Rows };
        let set = form.options().open_set(dir.path()).unwrap();
        let draft = set.draft("today").unwrap();
        for key in ["before", "bars", "behind"] {
            draft.create::<Bar>(key, 3).unwrap().push(&bar(7)).unwrap();
        }
        draft.publish().unwrap();
        let today = set.current().unwrap();
        let open: Open = Box::new(move || today.open_writer("bars"));
        let reader = set.current().unwrap().open::<Bar>("bars").unwrap();
        let mut pair = Pair { file: Some(open().unwrap()), reader, open, model: vec![bar(7)] };
        for op in &ops {
            pair.apply(op);
            pair.check();
        }
        for key in ["before", "behind"] {
            let other = set.current().unwrap().open::<Bar>(key).unwrap();
            assert_eq!(other.to_vec().unwrap(), [bar(7)], "its neighbours are as they were");
        }
    }

    #[test]
    fn a_file_is_a_vector(ops in prop::collection::vec(op(), 1..60)) {
        for form in Form::ALL {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("bars");
            let file = Some(form.options().create(&path, 0).unwrap());
            let reader = RecordFile::open(&path).unwrap();
            let open: Open = Box::new(move || RecordFile::open_writer(&path));
            let mut pair = Pair { file, reader, open, model: Vec::new() };
            for op in &ops {
                pair.apply(op);
                pair.check();
            }
        }
    }
}
