package chart

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

const dir = "../../deploy/helm/plateq"

// types are those that the chart may render to. Those of operators have no
// types here: only their names are looked at.
var types = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return &appsv1.Deployment{} },
	"apps/v1 StatefulSet":                    func() any { return &appsv1.StatefulSet{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
	"batch/v1 Job":                           func() any { return &batchv1.Job{} },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return &networkingv1.NetworkPolicy{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"v1 Service":                             func() any { return &corev1.Service{} },
	"v1 ServiceAccount":                      func() any { return &corev1.ServiceAccount{} },
	"keda.sh/v1alpha1 ScaledObject":          func() any { return &map[string]any{} },
	"monitoring.coreos.com/v1 PodMonitor":    func() any { return &map[string]any{} },
}

// render returns what the chart comes to, by kind and name.
func render(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	c, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "fleet", Namespace: "plates", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]any{}
	for name, text := range files {
		if path.Ext(name) != ".yaml" {
			continue
		}
		in := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
		for {
			one, err := in.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if key, object := decode(t, name, one); object != nil {
				objects[key] = object
			}
		}
	}
	return objects
}

// decode reads one manifest. A field that Kubernetes does not know is a fault.
func decode(t *testing.T, file string, text []byte) (key string, object any) {
	t.Helper()
	var head struct {
		APIVersion string                `json:"apiVersion"`
		Kind       string                `json:"kind"`
		Metadata   struct{ Name string } `json:"metadata"`
	}
	if err := strict.Unmarshal(text, &head); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, text)
	}
	if head.Kind == "" {
		return "", nil
	}
	typed, known := types[head.APIVersion+" "+head.Kind]
	if !known {
		t.Fatalf("%s: nobody knows %s %s", file, head.APIVersion, head.Kind)
	}
	object = typed()
	if err := strict.UnmarshalStrict(text, object); err != nil {
		t.Errorf("%s: %s %s: %v", file, head.Kind, head.Metadata.Name, err)
	}
	return head.Kind + " " + head.Metadata.Name, object
}

// pods are what runs, by part.
func pods(objects map[string]any) map[string]corev1.PodSpec {
	all := map[string]corev1.PodSpec{}
	for key, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			all[key] = o.Spec.Template.Spec
		case *appsv1.StatefulSet:
			all[key] = o.Spec.Template.Spec
		case *batchv1.Job:
			all[key] = o.Spec.Template.Spec
		}
	}
	return all
}

func TestLint(t *testing.T) {
	t.Parallel()
	for _, m := range lint.All(dir, nil, "plates", true).Messages {
		if m.Severity >= support.WarningSev {
			t.Error(m)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	objects := render(t, nil)
	for _, key := range []string{
		"Deployment fleet-plateq-serve", "StatefulSet fleet-plateq-worker", "Deployment fleet-plateq-scheduler", "Job fleet-plateq-migrate",
		"Service fleet-plateq", "ServiceAccount fleet-plateq", "PodDisruptionBudget fleet-plateq-worker", "NetworkPolicy fleet-plateq-serve",
	} {
		if objects[key] == nil {
			t.Errorf("there is no %s", key)
		}
	}
	if n := len(pods(objects)); n != 4 {
		t.Errorf("%d kinds of pods, want 4", n)
	}
}

// TestPodsMayDoLittle, and say so in the words of Kubernetes' restricted
// profile.
func TestPodsMayDoLittle(t *testing.T) {
	t.Parallel()
	for name, p := range pods(render(t, nil)) {
		s, c := p.SecurityContext, p.Containers[0]
		if s == nil || !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *p.AutomountServiceAccountToken {
			t.Errorf("%s: the pod may do more than it needs", name)
		}
		own := c.SecurityContext
		if *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem || !slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("%s: the container may do more than it needs", name)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s asks for nothing, and may take everything", name)
		}
		if c.ReadinessProbe == nil != (c.Args[0] == "migrate") {
			t.Errorf("%s has the wrong probes", name)
		}
	}
}

// TestMemoryIsHeldBelowItsLimit: past it a worker is killed, with calls in
// flight that may have been charged.
func TestMemoryIsHeldBelowItsLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit    any
		settings map[string]any
		want     string
	}{
		"Mi":           {limit: "100Mi", want: "83886080"},
		"Gi, in parts": {limit: "1.5Gi", want: "1288490188"},
		"M":            {limit: "100M", want: "80000000"},
		"bytes":        {limit: 100_000_000, want: "80000000"},
		"no limit":     {limit: nil, want: ""},
		"another unit": {limit: "1e9", want: ""},
		"said":         {limit: "100Mi", settings: map[string]any{"GOMEMLIMIT": "90MiB"}, want: "90MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resources := map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": test.limit}}}
			values := map[string]any{"worker": resources, "settings": test.settings}
			var got []string
			for _, e := range pods(render(t, values))["StatefulSet fleet-plateq-worker"].Containers[0].Env {
				if e.Name == "GOMEMLIMIT" {
					got = append(got, e.Value)
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("GOMEMLIMIT is %q, want %q", got, test.want)
			}
		})
	}
	for _, without := range []map[string]any{{"resources": nil}, {"resources": map[string]any{"limits": nil}}} {
		render(t, map[string]any{"worker": without})
	}
	for name, p := range pods(render(t, nil)) {
		if !slices.ContainsFunc(p.Containers[0].Env, func(e corev1.EnvVar) bool { return e.Name == "GOMEMLIMIT" }) {
			t.Errorf("%s grows past its limit", name)
		}
	}
}

// TestSecretsAreFiles: none is a variable, and each is where its variable says.
func TestSecretsAreFiles(t *testing.T) {
	t.Parallel()
	values := map[string]any{"secretSettings": map[string]any{"PLATEQ_ATTESTR_AUTH_TOKEN": map[string]any{"secret": "attestr", "key": "token"}}}
	for name, p := range pods(render(t, values)) {
		mounted := map[string]bool{}
		for _, v := range p.Volumes {
			if v.Projected == nil {
				continue
			}
			for _, s := range v.Projected.Sources {
				for _, item := range s.Secret.Items {
					mounted["/secrets/"+item.Path] = true
				}
			}
		}
		files := 0
		for _, e := range p.Containers[0].Env {
			if e.ValueFrom != nil {
				t.Errorf("%s: %s is taken from elsewhere", name, e.Name)
			}
			if len(e.Name) > 5 && e.Name[len(e.Name)-5:] == "_FILE" {
				if files++; !mounted[e.Value] {
					t.Errorf("%s: %s names %s, which is not there", name, e.Name, e.Value)
				}
			}
		}
		if files != 6 {
			t.Errorf("%s has %d secrets, want 6", name, files)
		}
	}
}

// TestVariablesAreKnown to the program.
func TestVariablesAreKnown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range pods(render(t, nil)) {
		for _, e := range p.Containers[0].Env {
			variable := regexp.MustCompile(`_FILE$`).ReplaceAllString(e.Name, "")
			if variable == "GOMEMLIMIT" {
				continue // of Go itself
			}
			if !bytes.Contains(text, []byte("#"+variable+"=")) {
				t.Errorf("%s: nobody knows %s", name, e.Name)
			}
		}
	}
}

func TestScalers(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"none": "", "hpa": "HorizontalPodAutoscaler fleet-plateq-worker", "keda": "ScaledObject fleet-plateq-worker"} {
		objects := render(t, map[string]any{"worker": map[string]any{"scaler": map[string]any{"kind": kind}}})
		if want != "" && objects[want] == nil {
			t.Errorf("%s: there is no %s", kind, want)
		}
		set := objects["StatefulSet fleet-plateq-worker"].(*appsv1.StatefulSet)
		if fixed := set.Spec.Replicas != nil; fixed != (want == "") {
			t.Errorf("%s: the chart says how many workers there are: %v", kind, fixed)
		}
	}
}

// TestProcessesAreJobsOfTheirOwn, by the names that the alarms and the dashboard
// know them by.
func TestProcessesAreJobsOfTheirOwn(t *testing.T) {
	t.Parallel()
	objects := render(t, map[string]any{"podMonitor": map[string]any{"enabled": true}})
	text, err := json.Marshal(objects["PodMonitor fleet-plateq"])
	if err != nil {
		t.Fatal(err)
	}
	type relabeling struct {
		SourceLabels                            []string
		Action, Regex, TargetLabel, Replacement string
	}
	var monitor struct {
		Spec struct {
			PodMetricsEndpoints []struct{ Relabelings []relabeling }
		}
	}
	if err := json.Unmarshal(text, &monitor); err != nil {
		t.Fatal(err)
	}
	ends := monitor.Spec.PodMetricsEndpoints
	if len(ends) != 1 || len(ends[0].Relabelings) != 1 {
		t.Fatalf("got %+v, want one endpoint with one relabeling", ends)
	}
	r := ends[0].Relabelings[0]
	if len(r.SourceLabels) != 1 || r.SourceLabels[0] != "__meta_kubernetes_pod_label_app_kubernetes_io_component" || r.TargetLabel != "job" ||
		r.Action != "" && r.Action != "replace" {
		t.Errorf("got %+v, want the job to be made of the component", r)
	}
	alarms, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile("^(?:" + cmp.Or(r.Regex, "(.*)") + ")$")
	for key, o := range objects {
		var component string
		switch o := o.(type) {
		case *appsv1.Deployment:
			component = o.Spec.Template.Labels["app.kubernetes.io/component"]
		case *appsv1.StatefulSet:
			component = o.Spec.Template.Labels["app.kubernetes.io/component"]
		default:
			continue
		}
		job := whole.ReplaceAllString(component, cmp.Or(r.Replacement, "$1"))
		if !bytes.Contains(alarms, []byte(`absent(up{job="`+job+`"})`)) {
			t.Errorf("%s is the job %s, which no alarm misses", key, job)
		}
	}
}

func TestEverythingElse(t *testing.T) {
	t.Parallel()
	objects := render(t, map[string]any{
		"image": map[string]any{"digest": "sha256:0"}, "podMonitor": map[string]any{"enabled": true}, "settings": map[string]any{"PLATEQ_ATTESTR_RATE": 10},
		"networkPolicy": map[string]any{"to": []any{map[string]any{"to": []any{map[string]any{"ipBlock": map[string]any{"cidr": "10.0.0.0/8"}}}}}},
		"serve":         map[string]any{"from": []any{map[string]any{"podSelector": map[string]any{}}}},
		"tolerations":   []any{map[string]any{"key": "batch", "operator": "Exists"}},
	})
	if objects["PodMonitor fleet-plateq"] == nil {
		t.Error("there is no PodMonitor")
	}
	for name, p := range pods(objects) {
		if got := p.Containers[0].Image; got != "plateq@sha256:0" {
			t.Errorf("%s runs %s", name, got)
		}
		if fmt.Sprint(p.Tolerations[0].Key) != "batch" {
			t.Errorf("%s tolerates %v", name, p.Tolerations)
		}
	}
	policy := objects["NetworkPolicy fleet-plateq-worker"].(*networkingv1.NetworkPolicy)
	if n := len(policy.Spec.Egress); n != 2 {
		t.Errorf("workers may go by %d rules, want to names and to 10.0.0.0/8", n)
	}
}
