package verdict

import "os"

// isBridge says whether an interface is a bridge: docker0, virbr0 and what else containers and guests
// of this machine hang on (Documentation/ABI/testing/sysfs-class-net).
func isBridge(name string) bool {
	st, err := os.Stat("/sys/class/net/" + name + "/bridge")
	return err == nil && st.IsDir()
}
