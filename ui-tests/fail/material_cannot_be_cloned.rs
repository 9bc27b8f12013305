// Secret bytes are not copied.
use key_rotation::KeyMaterial;

fn keep(material: KeyMaterial) -> KeyMaterial {
    material.clone()
}

fn main() {}
