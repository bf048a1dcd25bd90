//! Which columns are predicted from which: short chains, no cycles.

use crate::encoding::parent::MAX_CHAIN;

/// The parents of every column.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph of these parents per column.
    pub fn new(parents: &[Vec<usize>]) -> Self {
        let none = vec![Vec::new(); parents.len()];
        let mut graph = Graph { parents: none.clone(), children: none };
        for (column, parents) in parents.iter().enumerate() {
            graph.add(column, parents);
        }
        graph
    }

    /// Adds parents of a column.
    pub fn add(&mut self, column: usize, parents: &[usize]) {
        for &parent in parents {
            if let Some(known) = self.parents.get_mut(column).filter(|known| !known.contains(&parent)) {
                known.push(parent);
                self.children.get_mut(parent).into_iter().for_each(|children| children.push(column));
            }
        }
    }

    /// The parents of a column.
    pub fn of(&self, column: usize) -> &[usize] {
        self.parents.get(column).map(Vec::as_slice).unwrap_or_default()
    }

    /// The longest chain of parents that starts at a column.
    fn above(&self, column: usize) -> usize {
        self.of(column).iter().map(|&parent| 1 + self.above(parent)).max().unwrap_or(0)
    }

    /// The longest chain of columns that depend on one.
    fn below(&self, column: usize) -> usize {
        let children = self.children.get(column).map(Vec::as_slice).unwrap_or_default();
        children.iter().map(|&child| 1 + self.below(child)).max().unwrap_or(0)
    }

    fn depends(&self, column: usize, on: usize) -> bool {
        column == on || self.of(column).iter().any(|&parent| self.depends(parent, on))
    }

    /// Whether a column can have these parents, too.
    pub fn allows(&self, column: usize, parents: &[usize]) -> bool {
        let below = self.below(column);
        parents.iter().all(|&parent| !self.depends(parent, column) && self.above(parent) + 1 + below <= MAX_CHAIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_and_long_chains_are_refused() {
        let mut graph = Graph::new(&vec![Vec::new(); 6]);
        graph.add(1, &[0]);
        graph.add(2, &[1, 0]);
        assert!(!graph.allows(0, &[2]) && !graph.allows(0, &[1]) && !graph.allows(3, &[3]));
        assert!(graph.allows(0, &[3]), "2, 1, 0, 3");
        graph.add(3, &[2]);
        assert!(!graph.allows(4, &[3]), "3, 2, 1, 0 is as long as a chain can be");
        assert!(!graph.allows(0, &[5]));
        assert!(graph.allows(4, &[2, 5]));
    }
}
