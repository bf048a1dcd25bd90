//! Choosing models for all columns at once: what one needs can keep another from what it needs.

use super::graph::Graph;
use crate::sort::sort_by;

/// A model that may be chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The column that it is for.
    pub column: usize,
    /// The columns that it needs.
    pub parents: Vec<usize>,
    /// Bits that it is expected to save.
    pub gain: f64,
}

/// Which option of each list was chosen, and what depends on what then.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Positions in the lists.
    pub options: Vec<[Option<usize>; 2]>,
    /// The graph with them.
    pub graph: Graph,
    gain: f64,
}

/// An option: which column of the lists, which of its two, which choice there.
type Pick = (usize, usize, usize);

/// Part of its gain that a parent costs: readers must fetch it.
const PARENT_PRICE: f64 = 0.01;
/// Options of one list that are tried in front of all others.
const MAX_FORCED: usize = 3;
/// Lists of which that is tried: those that got the least of what they could get.
const MAX_LISTS: usize = 24;
/// Times that it is tried with all of them.
const MAX_ROUNDS: usize = 3;
/// Options that are looked at in all of this.
const MAX_STEPS: usize = 200_000;
/// Part of the gain by which a plan must be better than another.
const MIN_GAIN: f64 = 0.002;

/// Finds a good plan: options are taken in the order of their gain as far as the graph allows; then it is tried whether
/// another one in front of them makes the whole better.
#[inline(never)]
pub fn plan(lists: &[[Vec<Choice>; 2]], graph: &Graph) -> Plan {
    let mut order: Vec<(f64, Pick)> = Vec::new();
    for (at, pair) in lists.iter().enumerate() {
        for (which, list) in pair.iter().enumerate() {
            order.extend(list.iter().enumerate().map(|(index, choice)| (worth(choice), (at, which, index))));
        }
    }
    sort_by(&mut order, |a, b| b.0.total_cmp(&a.0));
    let mut forced: Vec<Pick> = Vec::new();
    let mut best = assign(lists, &order, &forced, graph);
    let mut trials = MAX_STEPS / order.len().max(1);
    for _ in 0..MAX_ROUNDS {
        let before = best.gain;
        for (at, which) in disappointed(lists, &best) {
            for index in 0..MAX_FORCED {
                if trials == 0 {
                    return best;
                }
                trials -= 1;
                let mut others: Vec<Pick> =
                    forced.iter().copied().filter(|&(list, other, _)| (list, other) != (at, which)).collect();
                others.push((at, which, index));
                let tried = assign(lists, &order, &others, graph);
                if tried.gain > best.gain * (1.0 + MIN_GAIN) {
                    (best, forced) = (tried, others);
                }
            }
        }
        if best.gain <= before {
            break;
        }
    }
    best
}

fn worth(choice: &Choice) -> f64 {
    choice.gain * (1.0 - PARENT_PRICE * choice.parents.len() as f64)
}

fn choice(lists: &[[Vec<Choice>; 2]], (at, which, index): Pick) -> Option<&Choice> {
    lists.get(at)?.get(which)?.get(index)
}

fn assign(lists: &[[Vec<Choice>; 2]], order: &[(f64, Pick)], forced: &[Pick], graph: &Graph) -> Plan {
    let mut plan = Plan { options: vec![[None; 2]; lists.len()], graph: graph.clone(), gain: 0.0 };
    for &pick in forced.iter().chain(order.iter().map(|(_, pick)| pick)) {
        let (at, which, index) = pick;
        let slot = plan.options.get_mut(at).and_then(|pair| pair.get_mut(which));
        let (Some(slot @ None), Some(choice)) = (slot, choice(lists, pick)) else { continue };
        if plan.graph.allows(choice.column, &choice.parents) {
            *slot = Some(index);
            plan.graph.add(choice.column, &choice.parents);
            plan.gain += worth(choice);
        }
    }
    plan
}

/// The lists that got less than their best, those that miss the most first.
fn disappointed(lists: &[[Vec<Choice>; 2]], plan: &Plan) -> Vec<(usize, usize)> {
    let mut missed: Vec<(f64, (usize, usize))> = Vec::new();
    for (at, (pair, chosen)) in lists.iter().zip(&plan.options).enumerate() {
        for (which, (list, chosen)) in pair.iter().zip(chosen).enumerate() {
            let got = chosen.and_then(|index| list.get(index)).map_or(0.0, worth);
            let most = list.iter().map(worth).fold(0.0, f64::max);
            if most - got > plan.gain * MIN_GAIN {
                missed.push((most - got, (at, which)));
            }
        }
    }
    sort_by(&mut missed, |a, b| b.0.total_cmp(&a.0));
    missed.into_iter().take(MAX_LISTS).map(|(_, list)| list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_gain_first_can_be_better_for_all() {
        let choice = |column, parents: &[usize], gain| Choice { column, parents: parents.to_vec(), gain };
        // 0 and 1 tell each other, but only 0 has somebody else.
        let lists = vec![
            [vec![choice(0, &[1], 100.0), choice(0, &[2], 80.0)], vec![]],
            [vec![choice(1, &[0], 90.0)], vec![choice(1, &[0], 5.0)]],
        ];
        let plan = plan(&lists, &Graph::new(&vec![Vec::new(); 3]));
        assert_eq!(plan.options, [[Some(1), None], [Some(0), Some(0)]]);
        assert_eq!((plan.graph.of(0), plan.graph.of(1)), (&[2][..], &[0][..]));
    }
}
