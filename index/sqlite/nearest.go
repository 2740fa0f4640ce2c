package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/loopitr/loopitr"
)

// Nearest scans all vectors that pass the filter. One read transaction holds
// still what filter, vectors and items say, so a search beside a build answers as
// of one commit.
func (x *Index) Nearest(ctx context.Context, l loopitr.Lookup) ([]loopitr.Neighbour, error) {
	leave, err := x.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	found, err := x.nearest(ctx, l)
	return found, x.wrap("search index", err)
}

func (x *Index) nearest(ctx context.Context, l loopitr.Lookup) ([]loopitr.Neighbour, error) {
	if l.Count < 0 {
		return nil, fmt.Errorf("count %d: %w", l.Count, loopitr.ErrInvalid)
	}
	if err := checkUnit(l.Vector); err != nil {
		return nil, err
	}
	tx, err := x.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	b, err := x.sync(ctx, tx)
	if err != nil || b.rows() == 0 || l.Count == 0 {
		return nil, err
	}
	if len(l.Vector) != b.dimensions {
		return nil, fmt.Errorf("vector of %d dimensions, the index holds %d: %w", len(l.Vector), b.dimensions, loopitr.ErrInvalid)
	}
	where, err := compile(l.Filter)
	if err != nil {
		return nil, err
	}
	s := search{ctx: ctx, tx: tx, gen: x.gen, block: b, where: where, count: min(l.Count, b.rows())}
	return s.run(l.Vector)
}

// search is one exact search in one transaction.
type search struct {
	ctx   context.Context
	tx    *sql.Tx
	gen   generation
	block block
	where condition
	count int
}

func (s *search) run(v loopitr.Vector) ([]loopitr.Neighbour, error) {
	allowed, err := s.allowed()
	if err != nil {
		return nil, err
	}
	q := newProbe(v)
	candidates, err := s.block.scan(s.ctx, &q, allowed, s.count)
	if err != nil {
		return nil, err
	}
	scored, err := s.score(v, candidates)
	if err != nil {
		return nil, err
	}
	neighbours, err := s.items(scored)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(neighbours, func(a, b loopitr.Neighbour) int {
		return cmp.Or(cmp.Compare(b.Cosine, a.Cosine), cmp.Compare(a.Item.Path, b.Item.Path))
	})
	return neighbours[:min(s.count, len(neighbours))], nil
}

// allowed marks the rows of which some item passes the filter.
func (s *search) allowed() ([]bool, error) {
	if s.where.text == "" {
		return nil, nil
	}
	rows, err := s.tx.QueryContext(s.ctx, s.gen.sql("SELECT content FROM items_$g WHERE "+s.where.text), s.where.values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	allowed := make([]bool, s.block.rows())
	for rows.Next() {
		var content int64
		if err := rows.Scan(&content); err != nil {
			return nil, err
		}
		if r, found := slices.BinarySearch(s.block.ids, content); found {
			allowed[r] = true
		}
	}
	return allowed, rows.Err()
}

type scoredRow struct {
	content int64
	cosine  float32
}

// score computes cosines from the stored float32 vectors, candidates of the
// highest upper bound first, until none of the rest can reach the count-th best.
// The rows that tie with that one are kept: their paths decide.
func (s *search) score(v loopitr.Vector, candidates []candidate) ([]scoredRow, error) {
	statement, err := s.tx.PrepareContext(s.ctx, s.gen.sql("SELECT vector FROM contents_$g WHERE id = ?"))
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	best := shortlist{count: s.count}
	stored := make(loopitr.Vector, s.block.dimensions)
	var scored []scoredRow
	for _, c := range candidates {
		if c.upper() < best.threshold() {
			break
		}
		content := s.block.ids[c.row]
		var blob []byte
		err := statement.QueryRowContext(s.ctx, content).Scan(&blob)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, corrupt("content %d is in a segment only", content)
		}
		if err != nil {
			return nil, err
		}
		if err := decodeVector(stored, blob); err != nil {
			return nil, fmt.Errorf("content %d: %w", content, err)
		}
		similarity := float32(cosine(v, stored))
		best.raise(float64(similarity))
		scored = append(scored, scoredRow{content, similarity})
	}
	threshold := best.threshold()
	return slices.DeleteFunc(scored, func(r scoredRow) bool { return float64(r.cosine) < threshold }), nil
}

// items finds the files of each content that pass the filter.
func (s *search) items(scored []scoredRow) ([]loopitr.Neighbour, error) {
	query := "SELECT " + itemColumns + " FROM items_$g WHERE content = ?"
	if s.where.text != "" {
		query += " AND (" + s.where.text + ")"
	}
	statement, err := s.tx.PrepareContext(s.ctx, s.gen.sql(query+" ORDER BY path"))
	if err != nil {
		return nil, err
	}
	defer statement.Close()
	neighbours := make([]loopitr.Neighbour, 0, len(scored))
	for _, r := range scored {
		items, err := listPrepared(s.ctx, statement, append([]any{r.content}, s.where.values...))
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, corrupt("content %d belongs to no item", r.content)
		}
		n := loopitr.Neighbour{Item: items[0], Cosine: r.cosine}
		for _, other := range items[1:] {
			n.Duplicates = append(n.Duplicates, other.Path)
		}
		neighbours = append(neighbours, n)
	}
	return neighbours, nil
}

func listPrepared(ctx context.Context, statement *sql.Stmt, values []any) ([]loopitr.Item, error) {
	rows, err := statement.QueryContext(ctx, values...)
	if err != nil {
		return nil, err
	}
	return collectItems(rows)
}
