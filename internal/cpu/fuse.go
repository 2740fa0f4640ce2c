package cpu

// fuse divides the graph's tileable nodes into groups.
func fuse(g *graph) []*group {
	var groups []*group
	for _, n := range g.nodes {
		s := spaceOf(n)
		if s.role == noRole {
			continue
		}
		groups = append(groups, &group{members: []*node{n}, rows: s.rows, columns: s.columns, outputs: []*node{n}})
	}
	return groups
}
