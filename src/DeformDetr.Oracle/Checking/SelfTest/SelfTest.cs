using System.Collections.Concurrent;
using System.Diagnostics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Checks the checker: plants every mistake of the catalogue, and faults outside it, in the reference's own dumps, and counts how many are
/// caught, located and named; and gives it healthy dumps, none of which it may refuse.
/// </summary>
public static class SelfTest
{
    // A change below this many times the noise is none: no checker could tell it from rounding.
    private const double Visible = 2;

    /// <summary>Runs the self-test.</summary>
    /// <param name="threads">How many checks run side by side.</param>
    /// <param name="progress">Told the name of every dump before it is checked; null for nobody.</param>
    public static SelfTestReport Run(int threads, Action<string>? progress = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        IReadOnlyList<SelfTestModel> models = SelfTestModel.All();
        List<Func<object>> jobs = [];
        jobs.AddRange(Mistakes(models));
        jobs.AddRange(Others(models));
        jobs.AddRange(HealthyDumps(models));
        object[] results = new object[jobs.Count];
        Lock gate = new();
        Parallel.ForEach(
            Partitioner.Create(Enumerable.Range(0, jobs.Count), EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            index =>
            {
                object result = jobs[index]();
                results[index] = result;
                lock (gate)
                {
                    progress?.Invoke(result is PlantedFault fault ? $"{fault.Name} in {fault.Tensor}" : ((HealthyDump)result).Name);
                }
            });
        return new SelfTestReport(
            [.. results.OfType<PlantedFault>()], [.. results.OfType<HealthyDump>()], clock.Elapsed.TotalSeconds);
    }

    // Each mistake where it shows and no other one does the same; else where it first shows. One that shows nowhere counts as missed: it
    // would be a dead entry of the catalogue.
    private static IEnumerable<Func<object>> Mistakes(IReadOnlyList<SelfTestModel> models)
    {
        HashSet<Mistake> left = [.. MistakeCatalogue.All.Where(mistake => !Reordered.Contains(mistake.Name))];
        Dictionary<Mistake, Func<object>> jobs = [];
        foreach (SelfTestModel model in models)
        {
            Dictionary<string, Tensor> house = SelfTestDump.Run(model.Model, new ReferenceAlgebra<float>(Context()));
            NoiseAlgebra algebra = new(Context(), NoiseUnit.Float32);
            HashSet<string> made = new(StringComparer.Ordinal);
            using StepRun forced = model.Model.Run(algebra, name => made.Contains(name) ? algebra.Given(house[name]) : null);
            foreach (Step step in model.Model.Graph.Steps)
            {
                Quantity right = forced.Evaluate(step);
                StepInputs inputs = forced.Inputs(step);
                List<(Mistake Mistake, Tensor Wrong, Sheet Sheet)> shown = [];
                if (left.Any(mistake => mistake.Kinds.Contains(step.Kind)))
                {
                    foreach (Mistake mistake in MistakeCatalogue.All)
                    {
                        if (Wrong(mistake, step, algebra, inputs, right) is { } wrong)
                        {
                            shown.Add((mistake, wrong, new Sheet(right.Shape, Sheet.Numbers(wrong), Sheet.Of(right).Noise)));
                        }
                    }
                }

                foreach ((Mistake mistake, Tensor wrong, Sheet sheet) in shown.Where(entry => left.Contains(entry.Mistake)))
                {
                    bool alone = shown.TrueForAll(
                        other => ReferenceEquals(other.Mistake, mistake) || sheet.Error(other.Sheet.Values) > Visible);
                    if (alone || !jobs.ContainsKey(mistake))
                    {
                        jobs[mistake] = () => Plant(
                            mistake.Name, true, model, step.Name,
                            new MemoryPort(SelfTestDump.Run(
                                model.Model, new ReferenceAlgebra<float>(Context()), (at, right) => at.Name == step.Name ? wrong : right)));
                    }

                    if (alone)
                    {
                        left.Remove(mistake);
                    }
                }

                forced.Put(step, algebra.Given(house[step.Name].CloneUntyped()));
                made.Add(step.Name);
                forced.Finish(step);
            }
        }

        return
        [
            .. MistakeCatalogue.All.Where(mistake => !Reordered.Contains(mistake.Name)).Select(mistake =>
                jobs.GetValueOrDefault(mistake)
                ?? (() => new PlantedFault(mistake.Name, "", "", true, false, false, false, "shows in none of the models"))),
            .. Reordered.Select((_, index) => (Func<object>)(() => PlantOrder(models[0], index))),
        ];
    }

    // The decoder layer with cross-attention first is five mistakes at once: each makes sense only beside the others.
    private static IReadOnlyList<string> Reordered { get; } =
    [
        "offsets of the query before self-attention", "logits of the query before self-attention", "cross-attention before self-attention",
        "cross-attention before self-attention (norm1)", "cross-attention before self-attention (norm2)",
    ];

    private static PlantedFault PlantOrder(SelfTestModel model, int index)
    {
        const string Layer = "transformer.decoder.layers.1";
        string[] suffixes = [".cross_attn.sampling_offsets", ".cross_attn.attention_logits", ".self_attn", ".norm1", ".norm2"];
        Mistake[] mistakes = [.. Reordered.Select(name => MistakeCatalogue.All.Single(mistake => mistake.Name == name))];

        // Every pass has one more of the steps that read ahead right.
        Dictionary<string, Tensor> dump = SelfTestDump.Run(model.Model, new ReferenceAlgebra<float>(Context()));
        for (int pass = 0; pass < suffixes.Length; pass++)
        {
            ReferenceAlgebra<float> algebra = new(Context());
            dump = SelfTestDump.Run(
                model.Model, algebra,
                instead: (step, inputs) =>
                    Array.FindIndex(suffixes, suffix => step.Name == Layer + suffix) is >= 0 and int at
                        ? mistakes[at].Evaluate(algebra, inputs)
                        : null,
                before: dump);
        }

        CheckReport report = Check(model, new MemoryPort(dump));
        HashSet<string> expected = [.. suffixes.Select(suffix => Layer + suffix)];
        List<TensorCheck> bad = [.. report.Tensors.Where(tensor => tensor.Status != CheckStatus.Right)];
        TensorCheck? own = bad.Find(tensor => tensor.Name == Layer + suffixes[index]);
        Finding? finding = own?.Diagnosis?.Findings.FirstOrDefault();
        bool located = own is not null && bad.TrueForAll(tensor => expected.Contains(tensor.Name));
        bool named = located && finding is { After: <= 1 } && finding.Mistake == Reordered[index];
        return new PlantedFault(
            Reordered[index], model.Name, Layer + suffixes[index], true, own is not null, located, named,
            named ? null : finding?.Mistake ?? string.Join("; ", bad.Take(6).Select(tensor => tensor.Name)));
    }

    // What the mistake makes of the step, as a port would store it; null where it can't be made, or can't be told from rounding.
    private static Tensor? Wrong(Mistake mistake, Step step, Algebra algebra, StepInputs inputs, Quantity right)
    {
        if (!mistake.Kinds.Contains(step.Kind))
        {
            return null;
        }

        using BufferScope scope = algebra.Context.Scope();
        Quantity wrong;
        try
        {
            if (mistake.Applies is not null && !mistake.Applies(inputs))
            {
                return null;
            }

            wrong = mistake.Evaluate(algebra, inputs);
        }
        catch (Exception exception) when (Diagnoser.IsRefusal(exception))
        {
            return null;
        }

        if (wrong.Shape != right.Shape)
        {
            return null;
        }

        Tensor stored = wrong.Tensor is Tensor<double> wide ? Narrowing.Of(wide) : wrong.Tensor.CloneUntyped();
        return Sheet.Of(right).Error(Sheet.Numbers(stored)) > Visible ? stored : null;
    }

    private static IEnumerable<Func<object>> Others(IReadOnlyList<SelfTestModel> models)
    {
        foreach (SelfTestFault fault in SelfTestFault.OfValues)
        {
            foreach (SelfTestModel model in models.Take(2))
            {
                Step step = model.Model.Graph.Steps.First(step => fault.Fits(step));
                yield return () => Plant(
                    fault.Name, false, model, step.Name,
                    new MemoryPort(SelfTestDump.Run(
                        model.Model, new ReferenceAlgebra<float>(Context()),
                        (at, made) => at.Name == step.Name ? fault.Change(step, (Tensor<float>)made) : made)));
            }
        }

        foreach ((string name, string suffix, Func<Dictionary<string, Tensor>, string, string?> change, CheckStatus status) in SelfTestFault.OfDumps)
        {
            SelfTestModel model = models[0];
            yield return () =>
            {
                Dictionary<string, Tensor> dump = SelfTestDump.Run(model.Model, new ReferenceAlgebra<float>(Context()));
                string where = dump.Keys.First(key => key.EndsWith(suffix, StringComparison.Ordinal));
                return change(dump, where) is null
                    ? new PlantedFault(name, model.Name, where, false, false, false, false, "could not be planted")
                    : Plant(name, false, model, where, new MemoryPort(dump), status);
            };
        }

        SelfTestModel first = models[0];
        yield return () =>
        {
            Dictionary<string, Tensor> dump = SelfTestDump.Run(first.Model, new ReferenceAlgebra<float>(Context()));
            dump.Add("nobody.knows.this", new Tensor<float>([2]));
            CheckReport report = Check(first, new MemoryPort(dump));
            bool said = report.Extra.SequenceEqual(["nobody.knows.this"]);
            return new PlantedFault(
                "a tensor that the model doesn't have", first.Name, "nobody.knows.this", false, !report.Passed, said, false,
                said ? null : "the tensor is not named");
        };
    }

    private static PlantedFault Plant(
        string name, bool known, SelfTestModel model, string where, MemoryPort port, CheckStatus status = CheckStatus.Wrong)
    {
        CheckReport report = Check(model, port);
        List<TensorCheck> bad = [.. report.Tensors.Where(tensor => tensor.Status != CheckStatus.Right)];
        bool located = bad.Count > 0 && bad[0].Name == where && (bad[0].Status == status || (known && bad[0].Status == CheckStatus.Broken))
            && bad.Skip(1).All(tensor => tensor.Status == (NotNumbers(bad[0]) ? CheckStatus.Broken : CheckStatus.Absent));
        Finding? finding = bad.Count == 0 ? null : bad[0].Diagnosis?.Findings.FirstOrDefault();
        bool named = located && known && finding is not null && finding.Mistake == name && finding.After <= 1;
        string? said = bad.Count == 0 ? "nothing is wrong"
            : !located ? string.Join("; ", bad.Take(3).Select(tensor => $"{tensor.Name}: {tensor.Status} {tensor.Fault}"))
            : known && !named ? finding?.Mistake ?? $"nothing explains it ({bad[0].Fault ?? CheckNumbers.Noise(bad[0].Injected)})"
            : null;
        return new PlantedFault(name, model.Name, where, known, !report.Passed, located, named, said);
    }

    // What NaN spreads to is NaN too.
    private static bool NotNumbers(TensorCheck tensor) => tensor.Fault?.Contains("NaN", StringComparison.Ordinal) ?? false;

    private static IEnumerable<Func<object>> HealthyDumps(IReadOnlyList<SelfTestModel> models)
    {
        foreach (SelfTestModel model in models)
        {
            foreach (LegalOrder order in LegalOrders.All)
            {
                yield return () => Healthy(model, order.Name, () => SelfTestDump.Run(model.Model, new LegalAlgebra(Context(), order)));
            }

            yield return () => Healthy(model, "in float64", () => SelfTestDump.Run(model.Model, new ReferenceAlgebra<double>(Context())));
            foreach (int power in (int[])[-12, 12])
            {
                // The projections and embeddings that norms take the scale out of again, and those that nothing does.
                SelfTestModel scaled = model.With(
                    $"weights times 2^{power}",
                    name => name.StartsWith("input_proj", StringComparison.Ordinal) || name.EndsWith("level_embed", StringComparison.Ordinal)
                        || name.Contains("linear2", StringComparison.Ordinal) || name.Contains("value_proj", StringComparison.Ordinal)
                        || name.StartsWith("class_embed", StringComparison.Ordinal)
                        ? Math.ScaleB(1, power)
                        : 1);
                foreach (LegalOrder order in (LegalOrder[])[.. LegalOrders.Ensemble, LegalOrders.Pairwise])
                {
                    yield return () => Healthy(scaled, order.Name, () => SelfTestDump.Run(scaled.Model, new LegalAlgebra(Context(), order)));
                }
            }

            foreach (DumpDType dtype in (DumpDType[])[DumpDType.Float16, DumpDType.BFloat16])
            {
                NumberFormat format = NumberFormat.Of(dtype)!;
                yield return () => Healthy(
                    model, $"weights and every tensor in {dtype.Word()}",
                    () => SelfTestDump.Run(
                        model.Model.With(model.Model.Weights.Mapped((_, value) => format.Round(value))), new ReferenceAlgebra<float>(Context()),
                        (_, made) => SelfTestDump.Rounded(made, format)),
                    dtype);
            }
        }
    }

    private static HealthyDump Healthy(
        SelfTestModel model, string how, Func<Dictionary<string, Tensor>> run, DumpDType dtype = DumpDType.Float32)
    {
        CheckReport report = Check(model, new MemoryPort(run(), dtype));
        TensorCheck? bad = report.Tensors.FirstOrDefault(tensor => tensor.Status != CheckStatus.Right);
        return new HealthyDump(
            $"{model.Name}: {how}", report.Passed, report.Tensors.Max(tensor => tensor.Injected),
            bad is null ? null : $"{bad.Name}: {bad.Fault ?? CheckNumbers.Noise(bad.Injected) + " noise"}");
    }

    private static CheckReport Check(SelfTestModel model, MemoryPort port)
    {
        CheckTools tools = CheckTools.Create(model.Model.Graph, port.DType, threads: 1, ensemble: false);
        (IReadOnlyList<TensorCheck> tensors, IReadOnlyList<DecisionMargin> decisions) = CheckRun.Run(model.Model, port, tools);
        return new CheckReport(
            port.Path, model.Name, [], "{}", port.DType.Word(), tensors, port.Extra(model.Model.Graph.Steps.Select(step => step.Name)),
            decisions, [], 0);
    }

    private static OperatorContext Context() => new(Kernels.Simd, 1);
}
