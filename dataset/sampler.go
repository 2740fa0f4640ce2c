package dataset

import (
	"fmt"
	"sync"

	"github.com/loopitr/loopitr"
)

// Mode is what one epoch visits.
type Mode string

const (
	// Pairs visits every caption with its picture once an epoch.
	Pairs Mode = "pairs"
	// Pictures visits every picture once an epoch with one of its captions. Over
	// as many epochs as it has captions each is drawn once, in a new order every
	// round.
	Pictures Mode = "pictures"
)

// SamplerConfig says how a Sampler cuts batches.
type SamplerConfig struct {
	Seed  uint64
	Batch int  // pairs of a batch
	Mode  Mode // empty is Pairs
}

// Validate names the field that can never work; it wraps loopitr.ErrInvalid.
func (c SamplerConfig) Validate() error {
	if c.Batch < 1 {
		return fmt.Errorf("sampler: batch %d is under 1: %w", c.Batch, loopitr.ErrInvalid)
	}
	if c.Mode != "" && c.Mode != Pairs && c.Mode != Pictures {
		return fmt.Errorf("sampler: mode %q is neither %q nor %q: %w", c.Mode, Pairs, Pictures, loopitr.ErrInvalid)
	}
	return nil
}

// Sampler cuts pairs into batches in which no two pairs are related (see
// Groups.Related). What step n holds is a pure function of the records, the
// configuration and n: a run that resumes at any step sees what an uninterrupted
// one would.
//
// An epoch is Steps() batches, the visited pairs divided by Batch, rounded up.
// Every pair is in at least one of them. The places left in the epoch's last
// batch are filled with pairs from the beginning of the epoch's order, which are
// then seen twice. Where one picture or text has more pairs than there are batches,
// or the set is hardly larger than a batch, pairs must be left out of an epoch;
// where it has nearly as many, a few may be. Epoch counts them.
//
// It may be used concurrently. It keeps the plan of one epoch, 8 bytes a pair.
type Sampler struct {
	groups *Groups
	config SamplerConfig
	visits int // pairs of an epoch

	mu   sync.Mutex
	plan *plan
}

// NewSampler returns a sampler over records. The error wraps loopitr.ErrInvalid
// when the configuration is wrong or the records do not hold Batch unrelated pairs.
func NewSampler(records []Record, config SamplerConfig) (*Sampler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Mode == "" {
		config.Mode = Pairs
	}
	s := &Sampler{groups: NewGroups(records), config: config}
	s.visits = s.groups.Captions()
	if config.Mode == Pictures {
		s.visits = s.groups.Pictures()
		for i, r := range records {
			if len(r.Captions) == 0 {
				return nil, fmt.Errorf("sampler: picture %q (record %d) has no caption: %w", r.ID, i, loopitr.ErrInvalid)
			}
		}
	}
	if s.visits == 0 {
		return nil, fmt.Errorf("sampler: no pairs: %w", loopitr.ErrInvalid)
	}
	if free := s.unrelated(config.Batch); free < config.Batch {
		return nil, fmt.Errorf("sampler: batch %d is larger than the %d pairs that are right for one picture only: %w", config.Batch, free, loopitr.ErrInvalid)
	}
	return s, nil
}

// unrelated counts pairs that are not related to each other, at most enough of them.
func (s *Sampler) unrelated(enough int) int {
	taken, count := newTaken(s.groups), 0
	for _, p := range s.groups.all() {
		if count == enough {
			break
		}
		if taken.fits(p) {
			taken.put(p)
			count++
		}
	}
	return count
}

// Groups are the groups of the sampler's records.
func (s *Sampler) Groups() *Groups { return s.groups }

// Visits is the number of pairs that an epoch visits.
func (s *Sampler) Visits() int { return s.visits }

// Steps is the number of batches of an epoch, the same for every epoch.
func (s *Sampler) Steps() int { return (s.visits + s.config.Batch - 1) / s.config.Batch }

// Position is the epoch of a step and its batch within the epoch, both from 0.
func (s *Sampler) Position(step int64) (epoch int64, index int) {
	steps := int64(s.Steps())
	return step / steps, int(step % steps)
}

// Batch returns the pairs of a step, counted from 0 over all epochs. They are
// Batch pairs; fewer only where the set is hardly larger than a batch and no
// further unrelated pair is left. The slice is the caller's.
//
// The first batch of an epoch costs a shuffle of all pairs.
func (s *Sampler) Batch(step int64) []Pair {
	epoch, index := s.Position(step)
	return append([]Pair(nil), s.planOf(epoch).batches[index]...)
}

// EpochCount is what an epoch does with the pairs it should visit.
type EpochCount struct {
	Visited  int // different pairs seen
	Repeated int // places filled with a pair that the epoch sees twice
	LeftOut  int // pairs not seen, see Sampler
}

// Epoch counts what an epoch visits.
func (s *Sampler) Epoch(epoch int64) EpochCount {
	p := s.planOf(epoch)
	return EpochCount{Visited: s.visits - p.leftOut, Repeated: p.repeated, LeftOut: p.leftOut}
}

func (s *Sampler) planOf(epoch int64) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plan == nil || s.plan.epoch != epoch {
		s.plan = makePlan(s.groups, s.config, s.order(epoch))
		s.plan.epoch = epoch
	}
	return s.plan
}

// order is the epoch's permutation of the pairs it visits.
func (s *Sampler) order(epoch int64) []Pair {
	var pairs []Pair
	if s.config.Mode == Pairs {
		pairs = s.groups.all()
	} else {
		pairs = make([]Pair, s.groups.Pictures())
		for i := range pairs {
			pairs[i] = Pair{Picture: int32(i), Caption: s.drawn(i, epoch)}
		}
	}
	shuffle(newCounter(s.config.Seed, streamOrder, uint64(epoch)), pairs)
	return pairs
}

// The streams keep draws for different ends apart.
const (
	streamOrder uint64 = iota
	streamCaption
	streamRepair
)

// drawn is the caption of a picture in an epoch: rounds of as many epochs as it
// has captions, each a permutation of them.
func (s *Sampler) drawn(picture int, epoch int64) int32 {
	n := int64(s.groups.CaptionsOf(picture))
	captions := make([]int32, n)
	for c := range captions {
		captions[c] = int32(c)
	}
	shuffle(newCounter(s.config.Seed, streamCaption, uint64(picture), uint64(epoch/n)), captions)
	return captions[epoch%n]
}
