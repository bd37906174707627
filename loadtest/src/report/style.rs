//! How numbers are written for people.

use std::time::Duration;

/// `850 µs`, `1.25 ms`, `3.02 s`.
pub(super) fn time(time: Duration) -> String {
    seconds(time.as_secs_f64())
}

/// The same from seconds.
pub(super) fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 99.5 => return format!("{s:.0} s"),
        s if s >= 0.9995 => (s, "s"),
        s if s >= 0.000_999_5 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    format!("{} {unit}", digits(value))
}

/// `39 s`, `12 min 5 s`, `8 h 2 min`.
pub(super) fn span(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// `1500.012 ms`: what clocks differ by is of interest to the microsecond, however much it is.
pub(super) fn clock(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1e3)
}

/// `1500.012 ms ahead of`, `3.020 ms behind`.
pub(super) fn ahead(seconds: f64) -> String {
    format!("{} {}", clock(seconds.abs()), if seconds < 0.0 { "behind" } else { "ahead of" })
}

/// The same of an optional time.
pub(super) fn maybe(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".to_owned(), self::time)
}

/// `4.1 KiB`, `120 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB"] {
        if value < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{} {unit}", digits(value)) }
}

/// `12,345`.
pub(super) fn count(count: u64) -> String {
    let plain = count.to_string();
    let mut text = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 phase`, `1,200 phases`.
pub(super) fn several(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(number as u64), if number == 1 { "" } else { "s" })
}

/// Three digits.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        let found = [0.0000005, 0.00125, 0.0999, 1.0, 59.94, 300.0].map(seconds);
        assert_eq!(found, ["0.50 µs", "1.25 ms", "99.9 ms", "1.00 s", "59.9 s", "300 s"]);
        assert_eq!([0, 1023, 1024, 5 << 20].map(bytes), ["0 B", "1023 B", "1.00 KiB", "5.00 MiB"]);
        assert_eq!([39.4, 725.0, 28_920.0].map(span), ["39 s", "12 min 5 s", "8 h 2 min"]);
        assert_eq!([-1.500_012, 0.003].map(ahead), ["1500.012 ms behind", "3.000 ms ahead of"]);
        assert_eq!([1, 1200].map(|number| several(number, "page")), ["1 page", "1,200 pages"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
