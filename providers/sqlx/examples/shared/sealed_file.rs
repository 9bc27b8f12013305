//! Files of sealed texts: a line is a key id, the ciphertext in hexadecimal, and the text to expect.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::vault::{Result, Sealed};

pub(crate) fn append(file: &mut File, sealed: &Sealed, text: &str) -> Result<()> {
    let body: String = sealed.body.iter().map(|byte| format!("{byte:02x}")).collect();
    // One write, so that a line is whole or missing when the process is killed.
    Ok(file.write_all(format!("{} {body} {text}\n", sealed.key_id).as_bytes())?)
}

/// Reads every file of the folder.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<(Sealed, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        for line in fs::read_to_string(entry?.path())?.split_inclusive('\n') {
            // A line that is being written.
            let Some(line) = line.strip_suffix('\n') else { continue };
            all.push(parse(line).ok_or_else(|| format!("not a line of this file: {line}"))?);
        }
    }
    Ok(all)
}

fn parse(line: &str) -> Option<(Sealed, String)> {
    let mut parts = line.splitn(3, ' ');
    let (key_id, body, text) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |at: usize| u8::from_str_radix(body.get(at..at + 2)?, 16).ok();
    let body = (0..body.len()).step_by(2).map(digits).collect::<Option<_>>()?;
    Some((Sealed { key_id: key_id.to_owned(), body }, text.to_owned()))
}
