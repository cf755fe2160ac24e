//! Times as text: `5-minutes`. Source: spec 12, section 10.

use oxbeam_protocol::Value;

/// Units by what their names begin with, and how many milliseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("millisecond", 1),
    ("second", 1000),
    ("minute", 60_000),
    ("hour", 3_600_000),
    ("day", 86_400_000),
];

/// Milliseconds that a text stands for; a sentence if it stands for none.
pub(super) fn read(value: &Value) -> Result<u64, String> {
    let text = value.as_name().map(|text| String::from_utf8_lossy(text).into_owned());
    let Some((amount, unit)) = text.as_deref().and_then(|text| text.split_once('-')) else {
        return Err("Invalid interval: expected an amount and a unit, such as 5-minutes.".into());
    };
    let name = unit.to_ascii_lowercase();
    let Some((_, factor)) = UNITS.iter().find(|(prefix, _)| name.starts_with(prefix)) else {
        return Err(format!("Invalid time unit: {unit}"));
    };
    let amount = amount.parse::<u64>().ok().filter(|amount| *amount > 0);
    let millis = amount.and_then(|amount| amount.checked_mul(*factor));
    millis.ok_or_else(|| "Invalid interval value.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_an_amount_and_the_beginning_of_a_unit() {
        let read = |text: &'static str| super::read(&Value::from(text));
        assert_eq!(read("500-milliseconds"), Ok(500));
        assert_eq!(read("1-Second"), Ok(1000));
        assert_eq!(read("5-minutes"), Ok(300_000));
        assert_eq!(read("2-HOURS"), Ok(7_200_000));
        assert_eq!(read("1-day"), Ok(86_400_000));
        assert_eq!(read("1-day-later"), Ok(86_400_000), "split at the first dash");
    }

    #[test]
    fn what_is_no_interval_says_why() {
        let read = |text: &'static str| super::read(&Value::from(text)).unwrap_err();
        assert!(read("5minutes").contains("such as 5-minutes"));
        assert_eq!(read("5-fortnights"), "Invalid time unit: fortnights");
        for text in ["0-seconds", "x-seconds", "1.5-seconds", "-1-seconds", "-seconds"] {
            assert!(read(text).starts_with("Invalid"), "{text}");
        }
        assert_eq!(read("18446744073709551615-days"), "Invalid interval value.");
        assert!(super::read(&Value::from(5)).is_err());
    }
}
