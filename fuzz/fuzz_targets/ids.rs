//! Text becomes an id exactly if it is one, and what is shown of it stays in its line.
#![no_main]

use key_rotation::KeyId;
use key_rotation::error::EscapedText;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let is_id = (1..=128).contains(&text.len()) && text.bytes().all(|b| (b'!'..=b'~').contains(&b));
    match KeyId::try_from(text) {
        Ok(id) => {
            assert!(is_id);
            assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
            assert_eq!(text.parse::<KeyId>().unwrap(), id);
            assert_eq!(KeyId::try_from(text.to_owned()).unwrap(), id.clone());
        }
        Err(error) => {
            assert!(!is_id);
            is_one_short_line(&error.to_string(), 512);
        }
    }
    let shown = EscapedText::from(text).to_string();
    is_one_short_line(&shown, EscapedText::KEPT + "...".len());
    let escaped = text.escape_default().to_string();
    let is_cut = |kept: &str| escaped.starts_with(kept) && escaped.len() > EscapedText::KEPT;
    assert!(shown == escaped || shown.strip_suffix("...").is_some_and(is_cut), "{shown}");
});

fn is_one_short_line(text: &str, most: usize) {
    assert!(text.len() <= most && text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{text:?}");
}
