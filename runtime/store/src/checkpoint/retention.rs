//! Which checkpoints stay.

use crate::Slot;
use crate::config::Retention;

impl Retention {
    /// Of the slots that have checkpoints, in order, those that need not stay: neither among the
    /// last ones, nor the first of its share of slots. The newest always stays.
    pub(super) fn dropped(&self, slots: &[Slot]) -> Vec<Slot> {
        let recent = slots.len().saturating_sub(self.last.max(1));
        let mut share = None;
        let mut dropped = Vec::new();
        for slot in slots.iter().take(recent) {
            let own = slot.checked_div(self.every);
            if own.is_none() || own == share {
                dropped.push(*slot);
            }
            share = own;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_and_one_of_every_so_many_slots_stay() {
        let retention = Retention { last: 2, every: 10 };
        assert_eq!(retention.dropped(&[1, 4, 9, 12, 18, 20, 21, 22]), [4, 9, 18]);
    }

    #[test]
    fn the_newest_stays_whatever_is_asked() {
        let retention = Retention { last: 0, every: 0 };
        assert_eq!(retention.dropped(&[1, 2, 3]), [1, 2]);
        assert_eq!(retention.dropped(&[]), [0; 0]);
    }

    #[test]
    fn what_stays_once_stays_as_the_log_grows() {
        let retention = Retention { last: 3, every: 7 };
        let mut kept: Vec<Slot> = Vec::new();
        for slot in (0..500).step_by(3) {
            kept.push(slot);
            let dropped = retention.dropped(&kept);
            kept.retain(|slot| !dropped.contains(slot));
        }
        let shares: Vec<_> = kept.iter().map(|slot| slot / 7).collect();
        assert!((0..70).all(|share| shares.contains(&share)), "{kept:?}");
    }
}
