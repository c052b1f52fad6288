//! Whatever a disk has of a horizon when its power fails, it tells every slot of the ring.

use super::*;
use samovar_mmap::{Access, SharedMap};

/// Laps after which ten bits of one tell nothing.
const UNTOLD: u64 = 1 << LAP_LOW_BITS;
const ALL_LAPS: u64 = (LAP_MASK as u64) + 1;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// One ring, what memory and the disk have of its horizon, and a flush under way.
struct Ring1<'a> {
    horizon: FlushHorizon<'a>,
    lap: u64,
    /// Words that the disk may have.
    disk: Vec<u32>,
    flush: Option<(Sighting, Step)>,
    expiry: Option<Sighting>,
    expired: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Syncing,
    Raising,
}

impl Ring1<'_> {
    fn frontiers(&self) -> [Position; 2] {
        [Position::new(self.lap % ALL_LAPS, 7), Position::new(self.lap % ALL_LAPS, 7)]
    }

    fn word(&self) -> u32 {
        self.horizon.load(Ring::Main).unwrap().0
    }

    /// A change of the word in memory, which the disk may get at any time.
    fn changed(&mut self) {
        let word = self.word();
        if self.disk.last() != Some(&word) {
            self.disk.push(word);
        }
    }

    /// The control page was synced.
    fn synced(&mut self) {
        self.disk = vec![self.word()];
    }

    fn step(&mut self, random: u64) {
        let frontiers = self.frontiers();
        match random % 8 {
            0..=3 => {
                if self.horizon.is_expiring(frontiers).unwrap() && self.expiry.is_none() {
                    self.expiry = Some(self.horizon.begin_expiry(frontiers).unwrap());
                }
                let horizon = self.horizon.load(Ring::Main).unwrap();
                if !horizon.is_overrun(frontiers[1]) {
                    self.lap += random >> 8 & 63;
                }
            }
            4 => {
                if let Some(sighting) = self.expiry.take() {
                    self.synced();
                    self.horizon.finish_expiry(&sighting).unwrap();
                }
            }
            5 if self.flush.is_none() => {
                self.flush = Some((self.horizon.sight(frontiers).unwrap(), Step::Syncing));
            }
            _ => {
                let Some((mut sighting, _)) = self.flush.take() else { return };
                self.synced();
                if self.horizon.raise(&mut sighting, frontiers).unwrap() {
                    self.flush = Some((sighting, Step::Raising));
                }
            }
        }
        self.changed();
        self.expired += u64::from(self.horizon.load(Ring::Main).unwrap().is_expired());
    }

    /// If the power fails now: every slot of the present lap, and of the one before, is told, or none.
    fn expect_told(&self) {
        for word in &self.disk {
            let horizon = Horizon(*word);
            if horizon.is_marked_expiring() {
                continue;
            }
            let laps = u64::from(horizon.laps_to(self.frontiers()[1]));
            assert!(laps < UNTOLD, "the disk has {horizon:?}, and the ring is {laps} laps above it");
        }
    }
}

#[test]
fn a_disk_tells_all_slots_or_says_that_it_cannot() {
    for begin in [1, ALL_LAPS - 3000] {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
        let horizon = FlushHorizon::new(map.view(), 3);
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let mut ring = Ring1 { horizon, lap: begin, disk: Vec::new(), flush: None, expiry: None, expired: 0 };
        horizon.set(ring.frontiers()).unwrap();
        ring.synced();
        for _ in 0..200_000 {
            ring.step(random(&mut state));
            ring.expect_told();
        }
        assert!(ring.lap > begin + 100_000, "the ring went on: {}", ring.lap - begin);
        assert!(ring.expired > 0 && ring.expired < 150_000, "it was expired {} times", ring.expired);
    }
}

#[test]
fn a_flush_every_few_laps_keeps_the_horizon_near() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    let horizon = FlushHorizon::new(map.view(), 0);
    horizon.set([Position::new(1, 0); 2]).unwrap();
    for lap in (1u64..100_000).step_by(700) {
        let frontiers = [Position::new(lap, 0), Position::new(lap, 9)];
        assert!(!horizon.is_expiring(frontiers).unwrap(), "lap {lap}");
        let mut sighting = horizon.sight(frontiers).unwrap();
        let mut rounds = 1;
        while horizon.raise(&mut sighting, frontiers).unwrap() {
            rounds += 1;
        }
        assert!(rounds <= 5, "{rounds} syncs");
        assert_eq!(horizon.load(Ring::Main).unwrap(), Horizon::known(u32::try_from(lap).unwrap()));
    }
}

#[test]
fn what_is_low_is_made_whole_above_the_horizon() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    let horizon = FlushHorizon::new(map.view(), 0);
    horizon.set([Position::new(5000, 0); 2]).unwrap();
    for lap in 5000..5000 + UNTOLD {
        let at = Position::new(lap, 77);
        assert_eq!(horizon.whole(Ring::Small, at.low()).unwrap(), Some(at));
    }
    horizon.begin_expiry([Position::new(5800, 0); 2]).unwrap();
    assert_eq!(horizon.whole(Ring::Small, Position::new(5000, 77).low()).unwrap(), None);
}
