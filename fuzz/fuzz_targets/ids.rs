//! Text becomes an id exactly if it is one, and what is shown of it stays in its line.
#![no_main]

use key_rotation::{EscapedText, KeyId};
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
    let shown = EscapedText::from(text);
    is_one_short_line(shown.as_str(), EscapedText::MAX_LEN);
    let escaped: String = text.escape_default().collect();
    assert!(escaped.starts_with(shown.as_str()));
    assert!(shown.as_str() == escaped || escaped.len() > EscapedText::MAX_LEN);
});

fn is_one_short_line(text: &str, most: usize) {
    assert!(text.len() <= most && text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{text:?}");
}
