//! A plan's steps, or a topology's members, as DOT (Graphviz) or Mermaid.

use std::collections::BTreeMap;

use crate::plan::{Plan, StepId};
use crate::topology::{MemberId, Topology, Upstream};

/// A picture's notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Graphviz.
    Dot,
    /// Mermaid, as code hosts draw it.
    Mermaid,
}

/// Nodes and arrows, in whatever notation.
struct Drawing {
    nodes: Vec<(String, String)>,
    arrows: Vec<(usize, usize)>,
}

/// The steps and what needs what.
pub fn steps(plan: &Plan, notation: Notation) -> String {
    let places: BTreeMap<&StepId, usize> =
        plan.steps.iter().map(|step| &step.id).zip(0..).collect();
    let nodes = plan
        .steps
        .iter()
        .map(|step| {
            (
                step.id.0.clone(),
                format!("{} {}\n{}", step.kind.word(), step.subject, step.what),
            )
        })
        .collect();
    let arrows = plan
        .steps
        .iter()
        .enumerate()
        .flat_map(|(to, step)| {
            step.needs
                .iter()
                .filter_map(|need| places.get(need))
                .map(move |from| (*from, to))
        })
        .collect();
    Drawing { nodes, arrows }.draw(notation)
}

/// The members as the configuration wants them: who reads from whom, and which apps are told.
pub fn topology(topology: &Topology, notation: Notation) -> String {
    let mut drawing = Drawing {
        nodes: Vec::new(),
        arrows: Vec::new(),
    };
    for replication in &topology.replications {
        let first = drawing.nodes.len();
        for (id, member) in replication.members() {
            drawing.nodes.push((
                format!("{}.{id}", replication.name),
                format!(
                    "{}\n{} {}",
                    member.server,
                    replication.name,
                    match &id {
                        MemberId::Primary => "primary".to_owned(),
                        MemberId::Replica(name) => format!("replica {name}"),
                    }
                ),
            ));
        }
        for (offset, replica) in replication.replicas.iter().enumerate() {
            let from = match &replica.upstream {
                Upstream::Primary => Some(0),
                Upstream::Replica(name) => replication
                    .replicas
                    .iter()
                    .position(|r| r.name == *name)
                    .map(|at| at + 1),
            };
            drawing
                .arrows
                .extend(from.map(|from| (first + from, first + offset + 1)));
        }
        for app in replication.env.iter().flat_map(|env| &env.targets) {
            drawing.nodes.push((
                format!("{}.app.{app}", replication.name),
                format!("{app}\napp"),
            ));
            drawing.arrows.push((first, drawing.nodes.len() - 1));
        }
    }
    drawing.draw(notation)
}

impl Drawing {
    fn draw(&self, notation: Notation) -> String {
        match notation {
            Notation::Dot => self.dot(),
            Notation::Mermaid => self.mermaid(),
        }
    }

    fn dot(&self) -> String {
        let escape = |text: &str| {
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
        };
        let mut out =
            String::from("digraph replform {\n  rankdir = \"LR\"\n  node [shape = box]\n");
        for (name, label) in &self.nodes {
            out.push_str(&format!(
                "  \"{}\" [label = \"{}\"]\n",
                escape(name),
                escape(label)
            ));
        }
        for (from, to) in &self.arrows {
            out.push_str(&format!(
                "  \"{}\" -> \"{}\"\n",
                escape(&self.nodes[*from].0),
                escape(&self.nodes[*to].0)
            ));
        }
        out + "}\n"
    }

    fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (index, (_, label)) in self.nodes.iter().enumerate() {
            out.push_str(&format!("  n{index}[\"{}\"]\n", mermaid_label(label)));
        }
        for (from, to) in &self.arrows {
            out.push_str(&format!("  n{from} --> n{to}\n"));
        }
        out
    }
}

/// A node's text in Mermaid, its lines divided. In Markdown a fence in it would end the picture.
pub fn mermaid_label(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('`', "'")
        .replace('\r', "")
        .replace('\n', "<br>")
}
