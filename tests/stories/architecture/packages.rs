//! Which package may depend on which.

use super::ROLES;

#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// A package of this workspace.
    pub(super) is_internal: bool,
    pub(super) is_dev: bool,
}

const FRAME: [&str; 5] = ["runtime", "messaging", "contracts", "primitives", "faults"];

/// What a package may build on, and what its tests may use besides.
fn allowed(package: &str) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
    Some(match package {
        "primitives" | "mailcatcher" | "faults" => (vec![], vec![]),
        "contracts" | "formats" => (vec!["primitives"], vec![]),
        "messaging" => (vec!["contracts", "primitives", "faults"], vec!["testkit"]),
        "runtime" => (vec!["messaging", "contracts", "primitives", "faults"], vec!["testkit"]),
        "testkit" => (FRAME.to_vec(), vec![]),
        // The demo receives its own reminders: that is the product, not a test.
        "puntual" => ([&ROLES[..], &FRAME, &["formats", "mailcatcher"]].concat(), vec!["testkit"]),
        "e2e" => (vec![], [&FRAME[..], &["testkit", "mailcatcher"]].concat()),
        // They know the product from outside, and what it is made of in one place: the contracts.
        "crashlab" | "bench" => ([&FRAME[..], &["testkit", "mailcatcher"]].concat(), vec![]),
        "ingestion" => ([&FRAME[..], &["formats"]].concat(), vec!["testkit", "mailcatcher"]),
        role if ROLES.contains(&role) => (FRAME.to_vec(), vec!["testkit", "mailcatcher"]),
        _ => return None,
    })
}

pub(super) fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let Some((build, tests)) = allowed(&package.name) else {
            found.push(format!("{} has no place in the architecture yet: say where it stands", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.is_internal) {
            let name = dependency.name.as_str();
            if !(build.contains(&name) || dependency.is_dev && tests.contains(&name)) {
                let how = if dependency.is_dev { " for its tests" } else { "" };
                found.push(format!("{} must not depend on {name}{how}", package.name));
            }
        }
    }
    found
}

#[test]
fn forbidden_dependencies_are_found() {
    let cases = [
        ("scoring", "promises", false, false), // a role on a role
        ("scoring", "promises", true, false),  // not even in tests
        ("scoring", "testkit", false, false),
        ("scoring", "testkit", true, true),
        ("reminders", "mailcatcher", false, false),
        ("reminders", "mailcatcher", true, true),
        ("puntual", "mailcatcher", false, true),
        ("puntual", "testkit", false, false),
        ("puntual", "scoring", false, true),
        ("primitives", "contracts", false, false),
        ("contracts", "primitives", false, true),
        ("messaging", "runtime", false, false),
        ("runtime", "scoring", false, false),
        ("e2e", "ingestion", true, false), // stories know the product from outside only
        ("utils", "primitives", false, false),
    ];
    for (name, on, is_dev, is_fine) in cases {
        let dependency = Dependency { name: on.to_owned(), is_internal: true, is_dev };
        let package = Package { name: name.to_owned(), dependencies: vec![dependency] };
        assert_eq!(violations(&[package]).is_empty(), is_fine, "{name} on {on}");
    }
}
