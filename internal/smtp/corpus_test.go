package smtp

import (
	"path/filepath"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
)

// Every capture gives the same summary however it is cut and interleaved.
func TestCorpusReplays(t *testing.T) {
	for _, name := range []string{"suricata-verify", "zeek-lookalikes"} {
		for _, path := range capture.Files(t, name) {
			t.Run(filepath.Base(path), func(t *testing.T) {
				for _, f := range readCapture(t, path) {
					checkReplays(t, f.options(true), f.segments)
				}
			})
		}
	}
}
