//! The directions of the house, held by tests: which package may know which, and inside a role which room.
//!
//! `puntual` → roles → `messaging`, `runtime` → `contracts`, `primitives`, and `formats` → `primitives`; inside a role
//! `lib` → {`handlers`, `api`, `sweeps`} → {`domain`, `store`}, `store` → `domain`, `domain` → `primitives`.

mod packages;
mod rooms;
mod source;

use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

use packages::{Dependency, Package};

pub(crate) const ROLES: [&str; 5] = ["ingestion", "scoring", "reminders", "promises", "reporting"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The packages of the workspace with the names of what they depend on.
fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let dependency = |of: &cargo_metadata::Dependency| Dependency {
        name: of.name.clone(),
        is_internal: of.path.is_some(),
        is_dev: of.kind == DependencyKind::Development,
    };
    metadata
        .packages
        .iter()
        .map(|package| Package {
            name: package.name.to_string(),
            dependencies: package.dependencies.iter().map(dependency).collect(),
        })
        .collect()
}

#[test]
fn packages_know_only_what_is_below_them() {
    let packages = workspace();
    assert!(packages.len() > ROLES.len(), "the workspace was read");
    assert_eq!(packages::violations(&packages), Vec::<String>::new());
}

#[test]
fn rooms_of_a_role_know_only_what_is_below_them() {
    let packages = workspace();
    let mut violations = Vec::new();
    for role in ROLES {
        let package = packages.iter().find(|package| package.name == role).unwrap();
        let dependencies: Vec<_> = package.dependencies.iter().map(|of| of.name.replace('-', "_")).collect();
        let files = source::files(&root().join("services").join(role).join("src"));
        assert!(files.iter().any(|file| file.path.starts_with("domain")), "{role} has a domain");
        let found = rooms::violations(&files, &dependencies);
        violations.extend(found.into_iter().map(|found| format!("services/{role}/src/{found}")));
    }
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
fn files_stay_short_enough_to_be_read() {
    let too_long = ["services", "shared", "tests"]
        .into_iter()
        .flat_map(|folder| source::files(&root().join(folder)))
        .filter(|file| file.text.lines().count() > 1000)
        .map(|file| file.path.display().to_string())
        .collect::<Vec<_>>();
    assert_eq!(too_long, Vec::<String>::new());
}
