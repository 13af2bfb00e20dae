package proc

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// testdata unpacks one of the databases that testdata/rpm/make made.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/rpm/" + name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ndbOf packs headers as rpm's ndb does, which Debian's rpm cannot.
func ndbOf(headers [][]byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, ndbPage)
	copy(b, ndbMagic)
	le.PutUint32(b[12:], 1)
	for at := 2 * ndbSlot; at < ndbPage; at += ndbSlot {
		copy(b[at:], ndbSlotMagic)
	}
	for i, h := range headers {
		slot := b[(2+2*i)*ndbSlot:] // every other slot is free
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(len(b)/ndbSlot))
		blob := make([]byte, ndbSlot)
		copy(blob, ndbBlobMagic)
		le.PutUint32(blob[4:], uint32(i+1))
		le.PutUint32(blob[12:], uint32(len(h)))
		b = append(append(b, blob...), h...)
		b = append(b, make([]byte, ndbSlot-len(b)%ndbSlot)...)
	}
	return b
}

// headersOf reads all the headers of a database.
func headersOf(t testing.TB, open rpmOpen, db, wal []byte) [][]byte {
	t.Helper()
	store, err := open(bytes.NewReader(db), bytes.NewReader(wal), int64(len(db)), int64(len(wal)))
	if err != nil {
		t.Fatal(err)
	}
	var headers [][]byte
	err = store.list(func(ref rpmRef) error {
		h, err := store.load(ref, nil)
		headers = append(headers, h)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return headers
}

func sha256Of(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
func md5Of(s string) string    { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }

func TestRpm(t *testing.T) {
	sqlite, wal := testdata(t, "rpmdb.sqlite"), testdata(t, "rpmdb.sqlite-wal")
	ndb := ndbOf(headersOf(t, openRpmSqlite, sqlite, nil))
	for name, c := range map[string]struct {
		files map[string]string
		late  bool
	}{
		"sqlite":              {files: map[string]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": string(sqlite)}},
		"sqlite, linked":      {files: map[string]string{"usr/lib/x/rpmdb.sqlite": string(sqlite), "var/lib/rpm": "->../../usr/lib/x"}},
		"sqlite with a log":   {map[string]string{"var/lib/rpm/rpmdb.sqlite": string(sqlite), "var/lib/rpm/rpmdb.sqlite-wal": string(wal)}, true},
		"sqlite, half a log":  {files: map[string]string{"var/lib/rpm/rpmdb.sqlite": string(sqlite), "var/lib/rpm/rpmdb.sqlite-wal": string(wal[:len(wal)-100])}},
		"sqlite, damaged log": {files: map[string]string{"var/lib/rpm/rpmdb.sqlite": string(sqlite), "var/lib/rpm/rpmdb.sqlite-wal": "x" + string(wal[1:])}},
		"ndb":                 {files: map[string]string{"usr/lib/sysimage/rpm/Packages.db": string(ndb)}},
		"berkeley":            {files: map[string]string{"var/lib/rpm/Packages": string(testdata(t, "Packages"))}},
	} {
		t.Run(name, func(t *testing.T) {
			root := openTestRoot(t, files(t, c.files))
			x := newCatalogs().index(root)
			if x == nil {
				t.Fatal("no database")
			}
			for path, want := range map[string]*owned{
				"/usr/bin/mailer":          {Package: Package{Name: "mailer", Version: "2:1.0-3"}, digest: sha256Of("mailer\n")},
				"/usr/bin/old":             {Package: Package{Name: "old", Version: "0:1-1"}, digest: md5Of("old\n")},
				"/usr/lib/mailer/part-300": {Package: Package{Name: "mailer", Version: "2:1.0-3"}, digest: sha256Of("300")},
				"/usr/lib/mailer/part-301": nil,
				"/usr/bin/mail":            nil,
			} {
				got, err := x.find(root, path)
				if err != nil {
					t.Error(err)
				}
				if (got == nil) != (want == nil) || got != nil && *got != *want {
					t.Errorf("%s is of %+v, want %+v", path, got, want)
				}
				if x.has(path) != (want != nil) {
					t.Errorf("%s: has says %v", path, want == nil)
				}
			}
			if got, err := x.find(root, "/usr/bin/late"); err != nil || (got != nil) != c.late {
				t.Errorf("the package of the log is %+v, %v", got, err)
			}
		})
	}
}

// A directory of programs that is a link: the database has the path by the link's name or the other.
func TestAliases(t *testing.T) {
	root := openTestRoot(t, files(t, map[string]string{
		"var/lib/rpm/rpmdb.sqlite": string(testdata(t, "rpmdb.sqlite")), "bin": "->usr/bin", "usr/sbin": "->bin", "sbin": "->/usr/sbin",
	}))
	x := newCatalogs().index(root)
	if x == nil {
		t.Fatal("no database")
	}
	if got := strings.Join(x.names("/usr/bin/a"), " "); got != "/usr/bin/a /usr/sbin/a /bin/a /sbin/a" {
		t.Errorf("names are %s", got)
	}
	if got := strings.Join(x.names("/usr/lib/a"), " "); got != "/usr/lib/a" {
		t.Errorf("names are %s", got)
	}
}

// A damaged or hostile database gives an error: it neither crashes nor keeps anybody busy.
func FuzzRpm(f *testing.F) {
	sqlite := testdata(f, "rpmdb.sqlite")
	for _, seed := range [][]byte{sqlite, testdata(f, "Packages"), ndbOf(headersOf(f, openRpmSqlite, sqlite, nil))} {
		f.Add(seed, 100, byte(1), []byte(nil))
		f.Add(seed, 4096, byte(255), testdata(f, "rpmdb.sqlite-wal"))
	}
	f.Fuzz(func(t *testing.T, db []byte, at int, value byte, wal []byte) {
		if len(db) > 1<<20 {
			t.Skip("larger than a database of this test")
		}
		if at >= 0 && at < len(db) {
			db = bytes.Clone(db)
			db[at] ^= value
		}
		for _, open := range []rpmOpen{openRpmSqlite, openRpmNdb, openRpmBdb} {
			store, err := open(bytes.NewReader(db), bytes.NewReader(wal), int64(len(db)), int64(len(wal)))
			if err != nil {
				continue
			}
			eachRpm(store, int64(len(db)+len(wal)), func(_ rpmRef, h rpmHeader) error {
				h.evr()
				return h.files(func(i int, _, _ []byte) bool { return h.digest(i) != "x" && i == 0 })
			})
		}
	})
}
