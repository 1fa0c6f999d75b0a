{{- define "plateq.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "plateq.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Labels of a part: (list $ "serve"). */}}
{{- define "plateq.select" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ $top.Chart.Name }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "plateq.labels" -}}
{{- $top := index . 0 -}}
{{ include "plateq.select" . }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version }}
{{- end }}

{{/* Four fifths of a quantity of memory, in bytes: past them Go collects garbage as
     often as it must, and a pod past its limit is killed with calls in flight.
     Of what is not written in the usual units, nothing. */}}
{{- define "plateq.softLimit" -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 -}}
{{- $number := "" }}{{ $unit := "" -}}
{{- if kindIs "string" . }}
{{- $number = regexFind "^[0-9.]+" . }}{{ $unit = trimPrefix $number . -}}
{{- else }}{{ $number = . -}}
{{- end }}
{{- if and $number (hasKey $units $unit) }}{{ mulf $number (get $units $unit) 0.8 | int64 }}{{ end -}}
{{- end }}

{{/* A pod of a part: (dict "top" $ "part" "serve" "resources" … "data" volume). */}}
{{- define "plateq.pod" -}}
{{- $v := .top.Values -}}
serviceAccountName: {{ include "plateq.name" .top }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $v.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: {{ .part }}
    image: {{ include "plateq.image" .top }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: [{{ .part }}]
    env:
      - {name: PLATEQ_DATABASE_URL_FILE, value: /secrets/plateq/database_url}
      - {name: PLATEQ_REDIS_URL_FILE, value: /secrets/plateq/redis_url}
      - {name: PLATEQ_ENCRYPTION_KEYS_FILE, value: /secrets/plateq/encryption_keys}
      - {name: PLATEQ_INDEX_KEY_FILE, value: /secrets/plateq/index_key}
      - {name: PLATEQ_ENQUEUE_KEY_FILE, value: /secrets/plateq/enqueue_key}
      - {name: PLATEQ_LOG_FORMAT, value: json}
      - {name: PLATEQ_ADMIN_LISTEN, value: "0.0.0.0:8081"}
      {{- if eq .part "serve" }}
      - {name: PLATEQ_LISTEN, value: "0.0.0.0:8080"}
      {{- end }}
      {{- with include "plateq.softLimit" (dig "limits" "memory" "" (.resources | default dict)) }}
      {{- if not (hasKey $v.settings "GOMEMLIMIT") }}
      - {name: GOMEMLIMIT, value: {{ . | quote }}}
      {{- end }}
      {{- end }}
      {{- range $name, $from := $v.secretSettings }}
      - {name: {{ $name }}_FILE, value: /secrets/{{ $from.secret }}/{{ $from.key }}}
      {{- end }}
      {{- range $name, $value := $v.settings }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- if ne .part "migrate" }}
    ports:
      {{- if eq .part "serve" }}
      - {name: http, containerPort: 8080}
      {{- end }}
      - {name: metrics, containerPort: 8081}
    startupProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 2
      # An hour: it serves once what was erased is erased again from an older store.
      failureThreshold: 1800
    livenessProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 10
      timeoutSeconds: 5
    readinessProbe:
      httpGet: {path: /readyz, port: metrics}
      periodSeconds: 5
      timeoutSeconds: 5
    {{- end }}
    resources: {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: data, mountPath: /data}
      - {name: tmp, mountPath: /tmp}
      - {name: secrets, mountPath: /secrets, readOnly: true}
volumes:
  - name: tmp
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
  {{- if not .claimed }}
  - name: data
    emptyDir: {sizeLimit: 64Mi}
  {{- end }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        - secret:
            name: {{ $v.secret }}
            items:
              - {key: database_url, path: plateq/database_url}
              - {key: redis_url, path: plateq/redis_url}
              - {key: encryption_keys, path: plateq/encryption_keys}
              - {key: index_key, path: plateq/index_key}
              - {key: enqueue_key, path: plateq/enqueue_key}
        {{- range $name, $from := $v.secretSettings }}
        - secret:
            name: {{ $from.secret }}
            items: [{key: {{ $from.key }}, path: {{ $from.secret }}/{{ $from.key }}}]
        {{- end }}
{{- with $v.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $v.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
