//! Who watches whom in front of a server, and what is measured there.

/// People whom everybody watches; so many changes make a burst.
pub(super) const FAMOUS: u32 = 16;
/// People on a list of the realistic pattern.
const LIST: usize = 50;
/// Idle browsers that come before the ones whose memory counts: they fill what a start leaves behind.
pub(super) const FIRST: usize = 300;
/// Idle browsers whose memory counts.
pub(super) const IDLE: usize = 2000;

/// What one server is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// So many browsers, all with the same list.
    Everybody(usize),
    /// So many browsers and people; each browser watches fifty.
    Pattern(usize),
    /// As `Everybody`, but system calls are counted, which slows everything down.
    Calls(usize),
    /// As `Everybody`, but below valgrind, which counts instructions.
    Instructions(usize),
    /// Browsers on which nothing happens, with lists of so many people: memory.
    Idle(usize),
}

impl Stage {
    /// A word for arguments and files.
    pub(super) fn name(self) -> String {
        match self {
            Self::Everybody(browsers) => format!("everybody-{browsers}"),
            Self::Pattern(browsers) => format!("pattern-{browsers}"),
            Self::Calls(browsers) => format!("calls-{browsers}"),
            Self::Instructions(browsers) => format!("instructions-{browsers}"),
            Self::Idle(watches) => format!("idle-{watches}"),
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, count) = name.split_once('-')?;
        let count = count.parse().ok()?;
        match kind {
            "everybody" => Some(Self::Everybody(count)),
            "pattern" => Some(Self::Pattern(count)),
            "calls" => Some(Self::Calls(count)),
            "instructions" => Some(Self::Instructions(count)),
            "idle" => Some(Self::Idle(count)),
            _ => None,
        }
    }

    /// The stage beside whose CPU time its figures belong.
    pub(super) fn title(self) -> String {
        match self {
            Self::Calls(browsers) | Self::Instructions(browsers) => Self::Everybody(browsers).name(),
            Self::Idle(_) => "idle".to_owned(),
            other => other.name(),
        }
    }

    /// People that the simulated community needs.
    pub(super) fn people(self) -> usize {
        match self {
            Self::Pattern(people) => people,
            _ => 300,
        }
    }

    /// Whom each browser watches.
    pub(super) fn lists(self) -> Vec<Vec<u32>> {
        match self {
            Self::Everybody(browsers) | Self::Calls(browsers) | Self::Instructions(browsers) => {
                vec![(0..FAMOUS).collect(); browsers]
            }
            Self::Idle(watches) => {
                let list: Vec<u32> = (0..).take(watches).collect();
                vec![list; FIRST + IDLE]
            }
            Self::Pattern(browsers) => {
                let people = u32::try_from(browsers).unwrap_or(u32::MAX);
                let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
                let mut roll = || {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    u32::try_from(dice >> 33).unwrap_or_default() % people
                };
                let list = |_| {
                    let mut list = Vec::with_capacity(LIST);
                    while list.len() < LIST {
                        let person = roll();
                        if !list.contains(&person) {
                            list.push(person);
                        }
                    }
                    list
                };
                (0..browsers).map(list).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_named_and_found_by_their_names() {
        let all = [
            Stage::Everybody(1000),
            Stage::Pattern(10_000),
            Stage::Calls(1000),
            Stage::Instructions(1000),
            Stage::Idle(50),
        ];
        for stage in all {
            assert_eq!(Stage::parse(&stage.name()), Some(stage));
        }
        assert_eq!(Stage::parse("everybody"), None);
        assert_eq!(Stage::Calls(1000).title(), Stage::Everybody(1000).name());
    }

    #[test]
    fn lists_of_the_pattern_have_fifty_different_people() {
        let lists = Stage::Pattern(200).lists();
        assert_eq!(lists.len(), 200);
        for mut list in lists {
            list.sort_unstable();
            list.dedup();
            assert!(list.len() == LIST && list.iter().all(|person| *person < 200));
        }
        assert!(Stage::Idle(0).lists().iter().all(Vec::is_empty));
    }
}
