//! An invented company: people of many countries, their offices, all from a seed.

use std::collections::HashSet;

use protocol::presence::PersonId;
use protocol::secret::Secret;

use super::directory::{Group, Person};

const ORGANISATION: &str = "Renovation";
const DOMAIN: &str = "renovation.example";

/// Name as written, and in plain letters for addresses.
type Name = (&'static str, &'static str);

/// The company of this size and seed. Ids, short names and addresses are unique.
pub(super) fn company(count: usize, seed: u64) -> (Vec<Person>, Vec<Group>) {
    let mut dice = Dice(seed ^ 0x4c69_7665_6e61_6d65);
    let mut taken: HashSet<String> = HashSet::with_capacity(count);
    let mut offices: Vec<Vec<PersonId>> = vec![Vec::new(); OFFICES.len()];
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        let (given, family) = (GIVEN[dice.below(GIVEN.len())], FAMILY[dice.below(FAMILY.len())]);
        let office = dice.below(OFFICES.len());
        let (display, plain) = unique(given, family, &mut dice, &mut taken);
        let id = PersonId::from(format!("CN={display}/OU={}/O={ORGANISATION}", OFFICES[office].0));
        offices[office].push(id.clone());
        people.push(Person {
            id,
            short_name: plain.clone(),
            mail: format!("{plain}@{DOMAIN}"),
            display_name: display.into(),
            // So that whoever tries the demo can log in as anybody with any client.
            password: Secret::from(plain.as_str()),
            home: None,
        });
    }
    let groups =
        OFFICES.iter().zip(offices).map(|(office, members)| Group { name: office.1.into(), members });
    (people, groups.filter(|group| !group.members.is_empty()).collect())
}

/// A name nobody has yet: as it is, with an initial, or with a number.
fn unique(given: Name, family: Name, dice: &mut Dice, taken: &mut HashSet<String>) -> (String, String) {
    let plain = format!("{}.{}", given.1, family.1).to_lowercase();
    if taken.insert(plain.clone()) {
        return (format!("{} {}", given.0, family.0), plain);
    }
    for _ in 0..4 {
        let initial = char::from(b'A' + dice.below(26) as u8);
        let plain = format!("{}.{}.{}", given.1, initial, family.1).to_lowercase();
        if taken.insert(plain.clone()) {
            return (format!("{} {initial}. {}", given.0, family.0), plain);
        }
    }
    let mut number = 2;
    loop {
        let numbered = format!("{plain}{number}");
        if taken.insert(numbered.clone()) {
            return (format!("{} {} {number}", given.0, family.0), numbered);
        }
        number += 1;
    }
}

/// Splitmix64: small, good enough, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `bound` - 1; 0 if the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Organisational unit, name of its group.
const OFFICES: &[Name] = &[
    ("Berlin", "Office Berlin"),
    ("Lisbon", "Office Lisbon"),
    ("Kraków", "Office Kraków"),
    ("Pune", "Office Pune"),
    ("Toronto", "Office Toronto"),
    ("São Paulo", "Office São Paulo"),
    ("Osaka", "Office Osaka"),
    ("Nairobi", "Office Nairobi"),
];

#[rustfmt::skip]
const GIVEN: &[Name] = &[
    ("Ann", "Ann"), ("Zoë", "Zoe"), ("José", "Jose"), ("Łucja", "Lucja"), ("Priya", "Priya"), ("Björn", "Bjoern"),
    ("Chiara", "Chiara"), ("Kwame", "Kwame"), ("Юлия", "Yuliya"), ("Ελένη", "Eleni"), ("美咲", "Misaki"),
    ("大輔", "Daisuke"), ("伟", "Wei"), ("Nguyệt", "Nguyet"), ("Fatima", "Fatima"), ("Omar", "Omar"), ("Søren", "Soeren"),
    ("Anaïs", "Anais"), ("Jürgen", "Juergen"), ("Tomáš", "Tomas"), ("Ingrid", "Ingrid"), ("Rafael", "Rafael"),
    ("Ayşe", "Ayse"), ("Dmytro", "Dmytro"), ("Aoife", "Aoife"), ("Hannah", "Hannah"), ("Mateus", "Mateus"),
    ("Noor", "Noor"), ("Péter", "Peter"), ("Saoirse", "Saoirse"), ("Thandiwe", "Thandiwe"), ("Wanjiru", "Wanjiru"),
    ("Arjun", "Arjun"), ("Beatriz", "Beatriz"), ("Cédric", "Cedric"), ("Elif", "Elif"), ("Giulia", "Giulia"),
    ("Haruto", "Haruto"), ("Ivana", "Ivana"), ("Jonas", "Jonas"), ("Katarína", "Katarina"), ("Liam", "Liam"),
    ("Małgorzata", "Malgorzata"), ("Nils", "Nils"), ("Olena", "Olena"), ("Pablo", "Pablo"), ("Ravi", "Ravi"),
    ("Sofia", "Sofia"), ("Tuğba", "Tugba"), ("Uma", "Uma"), ("Viktor", "Viktor"), ("Wilhelmina", "Wilhelmina"),
    ("Ximena", "Ximena"), ("Yael", "Yael"), ("Żaneta", "Zaneta"), ("민준", "Minjun"), ("สมชาย", "Somchai"),
    ("אורי", "Uri"), ("ليلى", "Layla"), ("Grace", "Grace"), ("Emeka", "Emeka"), ("Tiago", "Tiago"), ("Zuzana", "Zuzana"),
    ("Paul", "Paul"), ("Märta", "Maerta"), ("Håkon", "Haakon"), ("Guðrún", "Gudrun"), ("Andrés", "Andres"),
];

#[rustfmt::skip]
const FAMILY: &[Name] = &[
    ("Example", "Example"), ("Núñez", "Nunez"), ("Müller", "Mueller"), ("Kowalska", "Kowalska"), ("Sharma", "Sharma"),
    ("Ångström", "Angstroem"), ("Rossi", "Rossi"), ("Mensah", "Mensah"), ("Иванова", "Ivanova"), ("Παπαδοπούλου", "Papadopoulou"),
    ("鈴木", "Suzuki"), ("田中", "Tanaka"), ("王", "Wang"), ("Nguyễn", "Nguyen"), ("Haddad", "Haddad"), ("O'Brien", "OBrien"),
    ("Sørensen", "Soerensen"), ("Lefèvre", "Lefevre"), ("Weiß", "Weiss"), ("Dvořák", "Dvorak"), ("Johansson", "Johansson"),
    ("de Souza", "DeSouza"), ("Yılmaz", "Yilmaz"), ("Shevchenko", "Shevchenko"), ("Ní Bhriain", "NiBhriain"), ("Cohen", "Cohen"),
    ("Silva", "Silva"), ("van den Berg", "VanDenBerg"), ("Szabó", "Szabo"), ("Murphy", "Murphy"), ("Dlamini", "Dlamini"),
    ("Kamau", "Kamau"), ("Patel", "Patel"), ("Gonçalves", "Goncalves"), ("Dubois", "Dubois"), ("Öztürk", "Oeztuerk"),
    ("Bianchi", "Bianchi"), ("Sato", "Sato"), ("Horvat", "Horvat"), ("Schmidt", "Schmidt"), ("Kováčová", "Kovacova"),
    ("Smith", "Smith"), ("Wiśniewska", "Wisniewska"), ("Lindqvist", "Lindqvist"), ("Bondarenko", "Bondarenko"),
    ("García", "Garcia"), ("Iyer", "Iyer"), ("Ricci", "Ricci"), ("Çelik", "Celik"), ("Rao", "Rao"), ("Novák", "Novak"),
    ("Brown", "Brown"), ("Ibáñez", "Ibanez"), ("Levi", "Levi"), ("Żuraw", "Zuraw"), ("김", "Kim"), ("ศรีสุข", "Srisuk"),
    ("Okafor", "Okafor"), ("Al-Masri", "AlMasri"), ("Achebe", "Achebe"), ("Ferreira", "Ferreira"), ("Svoboda", "Svoboda"),
    ("Jensen", "Jensen"), ("Nordström", "Nordstroem"), ("Bakke", "Bakke"), ("Jónsdóttir", "Jonsdottir"), ("Peña", "Pena"),
    ("Grünwald", "Gruenwald"), ("Moreau", "Moreau"), ("Chukwu", "Chukwu"), ("Watanabe", "Watanabe"), ("Singh", "Singh"),
];
