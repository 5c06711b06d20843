//! A count whose members lose half their weight every half-life.
//!
//! The rule is exact in integers: whole half-lives halve, and within one the weight falls in a straight line, so that
//! no exponential function is needed and every machine gets the same bits.

use driftline_schema::Fixed;

/// Days in which a member loses half its weight.
pub(super) const HALF_LIFE_DAYS: i64 = 180;

/// A decayed count as of its newest member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decayed {
    /// Weight in millionths on `day`.
    weight: i64,
    /// Day of the newest member, counted from 1970.
    day: i64,
}

impl Decayed {
    /// The weight on `day`; a day before the newest member counts as that member's.
    pub(super) fn on(self, day: i64) -> Fixed {
        let days = day.saturating_sub(self.day).max(0);
        let (halvings, rest) = (days / HALF_LIFE_DAYS, days % HALF_LIFE_DAYS);
        let within = self.weight.saturating_mul(2 * HALF_LIFE_DAYS - rest) / (2 * HALF_LIFE_DAYS);
        Fixed(within >> halvings.min(63))
    }

    /// With one more member on `day`.
    pub(super) fn with(self, day: i64) -> Self {
        let newest = if self.weight == 0 { day } else { self.day.max(day) };
        Self { weight: (self.on(day) + Fixed::from_int(1)).0, day: newest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_weighs_half_after_each_half_life() {
        let one = Decayed::default().with(1_000);
        let after = |days: i64| one.on(1_000 + days).to_string();
        assert_eq!([after(0), after(90), after(180), after(270), after(360)], ["1", "0.75", "0.5", "0.375", "0.25"]);
        assert_eq!((one.on(0), one.on(i64::MAX)), (Fixed::from_int(1), Fixed::ZERO));
        assert_eq!(one.with(1_180).on(1_180), Fixed(1_500_000));
        assert_eq!(Decayed::default().with(-7).on(-7), Fixed::from_int(1));
    }
}
