//! The comparison of what a store has loaded with the model.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::model::MaterialOf;
use super::subject::{Checked, Subject};
use super::{Fixture, Nonconformance};
use crate::id::KeyId;
use crate::key::{Destruction, KeyRecord};
use crate::store::Snapshot;

impl<F: Fixture> Subject<'_, F> {
    /// The snapshot is the model's.
    pub(super) fn is_as_in_the_model(
        &self,
        found: &Snapshot<MaterialOf<F>>,
        when: &str,
    ) -> Checked {
        same(self.fixture, &self.model, found).map_err(|difference| {
            Nonconformance::new(self.behaviour, format!("{when}: {difference}"))
        })
    }
}

fn same<F: Fixture>(
    fixture: &F,
    model: &Snapshot<u8>,
    found: &Snapshot<MaterialOf<F>>,
) -> Result<(), String> {
    if found.ring != model.ring {
        return Err(format!("the ring is `{}`, not `{}`", found.ring, model.ring));
    }
    if found.revision != model.revision {
        return Err(format!("the revision is {}, not {}", found.revision, model.revision));
    }
    let (here, there) = (sorted(&found.records), sorted(&model.records));
    if here != there {
        return Err(format!("the keys are {here:?}, not {there:?}"));
    }
    for expected in &model.records {
        let same = |record: &&KeyRecord<MaterialOf<F>>| record.info.id == expected.info.id;
        let Some(record) = found.records.iter().find(same) else { continue };
        if record.info != expected.info {
            let (found, expected) = (&record.info, &expected.info);
            return Err(format!("a key is {found:?}, not {expected:?}"));
        }
        if record.material_in != expected.material_in {
            let (id, found, expected) = (&record.info.id, record.material_in, expected.material_in);
            return Err(format!("the material of key `{id}` is of {found}, not {expected}"));
        }
        if !fixture.is_material(*expected.material, &record.material) {
            return Err(format!("key `{}` has another material", record.info.id));
        }
    }
    if staged_in_order(&found.records) != staged_in_order(&model.records) {
        return Err("staged keys are not in the order of their insertion".into());
    }
    let (here, there) = (by_id(&found.destroyed), by_id(&model.destroyed));
    if here != there {
        return Err(format!("the tombstones are {here:?}, not {there:?}"));
    }
    if found.ids != model.ids {
        return Err(format!("the ids ever used are {}, not {}", found.ids, model.ids));
    }
    if found.closed != model.closed {
        return Err(format!("the ring is closed at {:?}, not {:?}", found.closed, model.closed));
    }
    Ok(())
}

fn sorted<M>(records: &[KeyRecord<M>]) -> Vec<KeyId> {
    let mut ids: Vec<KeyId> = records.iter().map(|record| record.info.id.clone()).collect();
    ids.sort();
    ids
}

fn by_id(destroyed: &[Destruction]) -> Vec<Destruction> {
    let mut destroyed = destroyed.to_vec();
    destroyed.sort_by(|a, b| a.id.cmp(&b.id));
    destroyed
}

fn staged_in_order<M>(records: &[KeyRecord<M>]) -> Vec<&KeyId> {
    let keys = records.iter().map(|record| &record.info);
    keys.filter(|key| key.is_staged()).map(|key| &key.id).collect()
}
