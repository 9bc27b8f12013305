//! The canary, the forms in which text may give it away, and the search for them.

use std::fmt::Write as _;

/// The secret of this test: visible ASCII, so that it can be seen even where bytes are printed as
/// they are.
pub(crate) const CANARY: [u8; 32] = *b"Vq7~Xj2^Zk9@Wp4%Ry6!Qm3#Tz8&Ld5*";

/// How many bytes in a row are a leak.
pub(crate) const LEAK: usize = 8;

/// What of the canary is in this text, and in which form.
pub(crate) fn leak_in(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let in_standard_alphabet = text.replace('-', "+").replace('_', "/");
    let hex_numbers = numbers(&lower, |word| {
        let digits = word.trim_start_matches("0x").trim_start_matches('x');
        if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
    });
    let decimal_numbers = numbers(&lower, |word| word.parse().ok());

    CANARY.windows(LEAK).find_map(|window| {
        let raw = String::from_utf8_lossy(window);
        let numbers: Vec<_> = window.iter().map(|byte| Some(*byte)).collect();
        let form = if text.contains(&*raw) {
            "as it is"
        } else if lower.contains(&hex(window)) {
            "in hexadecimal"
        } else if hex_numbers.windows(LEAK).any(|found| found == numbers) {
            "in hexadecimal, byte by byte"
        } else if decimal_numbers.windows(LEAK).any(|found| found == numbers) {
            "in decimal, byte by byte"
        } else if (0..3).any(|shift| in_standard_alphabet.contains(&base64_within(window, shift))) {
            "in base64"
        } else {
            return None;
        };
        Some(format!("`{raw}` stands there {form}"))
    })
}

/// The words of a text, as bytes where they are that: what stands between them does not matter.
fn numbers(text: &str, byte: impl Fn(&str) -> Option<u8>) -> Vec<Option<u8>> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(byte).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (n, byte)| bits | u32::from(*byte) << (16 - 8 * n));
        for n in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * n)) as usize % 64]));
        }
    }
    text
}

/// What these bytes are in the base64 of something longer, in which so many bytes, or three or six
/// more, stand before them: the characters that depend on nothing else. Those at the edges, which
/// also depend on a neighbour, are left out, so a few bits fewer than all are a find.
fn base64_within(bytes: &[u8], before: usize) -> String {
    let all = base64(&[&[0; 2][..before], bytes].concat());
    let (first, end) = ((8 * before).div_ceil(6), 8 * (before + bytes.len()) / 6);
    all[first..end].to_string()
}
