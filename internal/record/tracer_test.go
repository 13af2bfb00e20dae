package record

import (
	"reflect"
	"testing"
)

// Every field of Losses is a kind: none is left out of the total, a sum or a difference.
func TestLosses(t *testing.T) {
	var before, now, difference Losses
	for i, v := 0, reflect.ValueOf(&now).Elem(); i < v.NumField(); i++ {
		v.Field(i).SetUint(uint64(10 + i))
		reflect.ValueOf(&before).Elem().Field(i).SetUint(uint64(i))
		reflect.ValueOf(&difference).Elem().Field(i).SetUint(10)
	}
	since := now.Since(&before)
	if since != difference || since.Total() != 110 {
		t.Errorf("since: %+v, total %d", since, since.Total())
	}
	before.Add(&since)
	if before != now {
		t.Errorf("added again: %+v", before)
	}
}
