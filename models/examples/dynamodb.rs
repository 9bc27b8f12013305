//! Points the conformance kit at an emulator of DynamoDB, with a provider that is just large enough:
//! a ring is one item, each revision is another, and a commit is one `TransactWriteItems` on the
//! condition that the ring's item is still that of the expected revision.
//!
//! `scripts/dynamodb` starts the emulator and runs this. It is a trial of the kit and of the emulator,
//! and no provider to use: nothing is signed, and the whole ring is in one item.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a trial stops")]

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};

use key_rotation::conformance::{self, Fixture, Nonconformance};
use key_rotation::key::Destruction;
use key_rotation::store::{Commit, CommitError, Loaded, Proposal, Revision, RingName, Snapshot};
use key_rotation::{KeyInfo, KeyProvider, KeyRecord, Timestamp};
use serde_json::{Value, json};

const TABLE: &str = "rings";

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("the address of the emulator");
    let emulator = Emulator { address };
    emulator.create_table().await;
    let found = Cell::new(0);
    let report = |behaviour: &str, result: Result<(), Nonconformance>| match result {
        Ok(()) => println!("{behaviour}: ok"),
        Err(nonconformance) => {
            found.set(found.get() + 1);
            println!("{behaviour}: {nonconformance}");
        }
    };
    let fixture = &emulator;
    report("create", conformance::create(fixture).await);
    report("create_of_many", conformance::create_of_many(fixture).await);
    report("activate", conformance::activate(fixture).await);
    report("destroy", conformance::destroy(fixture).await);
    report("tags", conformance::tags(fixture).await);
    report("load_of_a_stranger", conformance::load_of_a_stranger(fixture).await);
    report("stale_revision", conformance::stale_revision(fixture).await);
    report("taken_ids", conformance::taken_ids(fixture).await);
    report("resend_after_others", conformance::resend_after_others(fixture).await);
    report("unknown_outcome", conformance::unknown_outcome(fixture).await);
    for round in 1..=20 {
        report(&format!("create_race, {round}"), conformance::create_race(fixture).await);
        report(&format!("writer_race, {round}"), conformance::writer_race(fixture).await);
        let at_once = conformance::same_proposal_at_once(fixture).await;
        report(&format!("same_proposal_at_once, {round}"), at_once);
    }
    println!("{} found", found.get());
}

/// The emulator, as a store of many rings.
struct Emulator {
    address: String,
}

impl Emulator {
    /// Sends one request, and returns the status and the body. It waits on a thread of its own, so
    /// that requests which are made at once are under way at once.
    async fn ask(&self, operation: &'static str, body: &Value) -> std::io::Result<(u16, Value)> {
        let (address, body) = (self.address.clone(), body.to_string());
        tokio::task::spawn_blocking(move || Self::exchange(&address, operation, &body)).await?
    }

    fn exchange(address: &str, operation: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let mut connection = TcpStream::connect(address)?;
        write!(
            connection,
            "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: DynamoDB_20120810.{operation}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=trial/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
             Signature=0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        let _ = connection.read_to_string(&mut answer)?;
        let status = answer.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        let json = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let json = serde_json::from_str(json).unwrap_or(Value::Null);
        Ok((status.unwrap_or(0), json))
    }

    async fn create_table(&self) {
        let key = |name, kind| json!({ "AttributeName": name, "KeyType": kind });
        let text = |name| json!({ "AttributeName": name, "AttributeType": "S" });
        let table = json!({
            "TableName": TABLE,
            "KeySchema": [key("ring", "HASH"), key("item", "RANGE")],
            "AttributeDefinitions": [text("ring"), text("item")],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let (status, answer) = self.ask("CreateTable", &table).await.unwrap();
        assert_eq!(status, 200, "{answer}");
    }
}

impl Fixture for Emulator {
    type Provider = Ring;

    async fn new_store(&self) -> Ring {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ring-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Ring { emulator: Self { address: self.address.clone() }, name: name.parse().unwrap() }
    }

    async fn reopen(&self, ring: &Ring) -> Ring {
        let emulator = Self { address: self.address.clone() };
        Ring { emulator, name: ring.name.clone() }
    }

    fn material(&self, number: u8) -> u8 {
        number
    }

    fn is_material(&self, number: u8, material: &u8) -> bool {
        number == *material
    }
}

struct Ring {
    emulator: Emulator,
    name: RingName,
}

/// An answer of the emulator that is no answer.
#[derive(Debug, thiserror::Error)]
#[error("the emulator has failed: {0}")]
struct Failed(String);

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl Ring {
    fn item(&self, item: &str) -> Value {
        json!({ "ring": { "S": self.name.as_str() }, "item": { "S": item } })
    }

    async fn get(&self, item: &str) -> Result<Option<Value>, Failed> {
        let question =
            json!({ "TableName": TABLE, "Key": self.item(item), "ConsistentRead": true });
        match self.emulator.ask("GetItem", &question).await? {
            (200, answer) => Ok(answer.get("Item").cloned()),
            (_, answer) => Err(Failed(answer.to_string())),
        }
    }

    async fn snapshot(&self) -> Result<Snapshot<u8>, Failed> {
        let Some(head) = self.get("head").await? else {
            return Ok(Snapshot::empty(self.name.clone()));
        };
        let content: Value = serde_json::from_str(head["content"]["S"].as_str().unwrap()).unwrap();
        let of = |value: &Value| value.clone();
        let records = content["records"].as_array().unwrap().iter().map(|record| KeyRecord {
            info: serde_json::from_value::<KeyInfo>(of(&record[0])).unwrap(),
            material: serde_json::from_value::<u8>(of(&record[1])).unwrap().into(),
            material_in: serde_json::from_value(of(&record[2])).unwrap(),
        });
        Ok(Snapshot {
            ring: self.name.clone(),
            revision: serde_json::from_value(of(&content["revision"])).unwrap(),
            records: records.collect(),
            destroyed: serde_json::from_value::<Vec<Destruction>>(of(&content["destroyed"]))
                .unwrap(),
            ids: serde_json::from_value(of(&content["ids"])).unwrap(),
            closed: serde_json::from_value::<Option<Timestamp>>(of(&content["closed"])).unwrap(),
            store_time: None,
        })
    }

    async fn is_known(&self, revision: Revision) -> Result<bool, Failed> {
        let item = self.get(&format!("revision {}", revision.number)).await?;
        Ok(item.is_some_and(|item| item["tag"]["S"].as_str() == Some(&revision.tag.to_string())))
    }
}

impl KeyProvider for Ring {
    type Material = u8;
    type Error = Failed;

    async fn load(&self, seen: Revision) -> Result<Loaded<u8>, Failed> {
        let snapshot = self.snapshot().await?;
        if seen != Revision::EMPTY && !self.is_known(seen).await? {
            return Ok(Loaded::NotInHistory { seen, found: snapshot.revision });
        }
        if seen != Revision::EMPTY && snapshot.revision == seen {
            return Ok(Loaded::Unchanged { store_time: None });
        }
        Ok(Loaded::Ring(snapshot))
    }

    async fn commit(&self, proposal: &Proposal<u8>) -> Result<Commit, CommitError<Failed>> {
        proposal.follows().map_err(CommitError::Mismatch)?;
        let mut after = self.snapshot().await.map_err(CommitError::NotWritten)?;
        if self.is_known(proposal.next).await.map_err(CommitError::NotWritten)? {
            return Ok(Commit::Committed);
        }
        let before = after.revision;
        if after.apply(proposal).map_err(CommitError::Mismatch)? == Commit::Conflict {
            return Ok(Commit::Conflict);
        }
        let record =
            |record: &KeyRecord<u8>| json!([record.info, *record.material, record.material_in]);
        let content = json!({
            "revision": after.revision,
            "records": after.records.iter().map(record).collect::<Vec<_>>(),
            "destroyed": after.destroyed,
            "ids": after.ids,
            "closed": after.closed,
        });
        let mut head = self.item("head");
        head["content"] = json!({ "S": content.to_string() });
        head["tag"] = json!({ "S": after.revision.tag.to_string() });
        let mut revision = self.item(&format!("revision {}", after.revision.number));
        revision["tag"] = head["tag"].clone();
        let put = |item: Value, condition: &str| json!({ "Put": { "TableName": TABLE, "Item": item, "ConditionExpression": condition } });
        let mut of_head = if before == Revision::EMPTY {
            put(head, "attribute_not_exists(#tag)")
        } else {
            put(head, "#tag = :tag")
        };
        of_head["Put"]["ExpressionAttributeNames"] = json!({ "#tag": "tag" });
        if before != Revision::EMPTY {
            of_head["Put"]["ExpressionAttributeValues"] =
                json!({ ":tag": { "S": before.tag.to_string() } });
        }
        let of_revision = put(revision, "attribute_not_exists(ring)");
        let question = json!({ "TransactItems": [of_head, of_revision] });
        match self.emulator.ask("TransactWriteItems", &question).await {
            Ok((200, _)) => Ok(Commit::Committed),
            // The conditions do not hold: somebody was faster, perhaps an earlier sending.
            Ok((400, _)) if self.is_known(proposal.next).await.map_err(CommitError::Unknown)? => {
                Ok(Commit::Committed)
            }
            Ok((400, _)) => Ok(Commit::Conflict),
            Ok((status, answer)) => {
                Err(CommitError::Unknown(Failed(format!("{status}: {answer}"))))
            }
            Err(error) => Err(CommitError::Unknown(error.into())),
        }
    }
}
