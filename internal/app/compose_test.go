package app_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composeFile is what docker-compose.yml may say. A word that is not here is
// refused, as Compose refuses words it does not know.
type composeFile struct {
	Plateq   service            `yaml:"x-plateq"`
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Profiles    []string          `yaml:"profiles"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	EnvFile     []struct {
		Path     string `yaml:"path"`
		Required bool   `yaml:"required"`
	} `yaml:"env_file"`
	Volumes   []string `yaml:"volumes"`
	Ports     []string `yaml:"ports"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test        []string `yaml:"test"`
		Disable     bool     `yaml:"disable"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		StartPeriod string   `yaml:"start_period"`
		Retries     int      `yaml:"retries"`
	} `yaml:"healthcheck"`
	Deploy struct {
		Replicas int `yaml:"replicas"`
	} `yaml:"deploy"`
	User            string   `yaml:"user"`
	ReadOnly        bool     `yaml:"read_only"`
	Tmpfs           []string `yaml:"tmpfs"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	NetworkMode     string   `yaml:"network_mode"`
	MemLimit        string   `yaml:"mem_limit"`
	PidsLimit       int      `yaml:"pids_limit"`
	ShmSize         string   `yaml:"shm_size"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
	Restart         string   `yaml:"restart"`
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var f composeFile
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

// ours reports whether the service runs our image.
func (s service) ours() bool { return s.Image == "${IMAGE:-plateq}" }

func TestComposeNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	f := readCompose(t)
	for name, s := range f.Services {
		for on, d := range s.DependsOn {
			of, there := f.Services[on]
			healthy := len(of.Healthcheck.Test) > 0 && !of.Healthcheck.Disable
			if !there || d.Condition == "service_healthy" && !healthy || d.Condition == "service_completed_successfully" && of.Restart != "no" {
				t.Errorf("%s waits until %s is %s, which never comes", name, on, d.Condition)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if path, file := strings.CutPrefix(from, "./"); file {
				if _, err := os.Stat(filepath.Join(top, path)); err != nil {
					t.Errorf("%s mounts %v", name, err)
				}
			} else if _, there := f.Volumes[from]; !there {
				t.Errorf("%s mounts the volume %s, which is not there", name, from)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is published to everybody: %s", name, p)
			}
		}
		if s.MemLimit == "" || s.PidsLimit == 0 {
			t.Errorf("%s has no limits", name)
		}
		for variable, value := range s.Environment {
			if secret := strings.Contains(variable, "PASSWORD") || strings.Contains(variable, "_KEY"); secret && !strings.HasPrefix(value, "/secrets/") {
				t.Errorf("%s: %s is no file", name, variable)
			}
		}
		if s.ours() {
			checkHardened(t, name, s)
		}
	}
}

func checkHardened(t *testing.T, name string, s service) {
	t.Helper()
	if s.User != "65532:65532" || !s.ReadOnly || strings.Join(s.CapDrop, "") != "ALL" || strings.Join(s.SecurityOpt, "") != "no-new-privileges:true" || len(s.Tmpfs) != 1 {
		t.Errorf("%s may do more than it needs: %+v", name, s)
	}
	if test := strings.Join(s.Healthcheck.Test, " "); !s.Healthcheck.Disable && test != "CMD /plateq doctor --health" {
		t.Errorf("%s is asked for its health by %q", name, test)
	}
}

// replicas is how many containers a service is.
func (s service) replicas() int { return cmp.Or(s.Deploy.Replicas, 1) }
