using System.Diagnostics;

namespace DeformDetr.Formats.Tests;

/// <summary>Every way to make Python's unpickler run something that we know of, and what our reader says to it.</summary>
public class PickleRefusalTests
{
    // A call by GLOBAL, a tuple and REDUCE, as __reduce__ writes it.
    private static readonly (string Module, string Name)[] Calls =
    [
        ("os", "system"), ("posix", "system"), ("nt", "system"), ("os", "popen"), ("os", "execv"), ("os", "spawnl"), ("os", "remove"), ("os", "putenv"),
        ("subprocess", "Popen"), ("subprocess", "run"), ("subprocess", "call"), ("subprocess", "check_output"), ("subprocess", "getoutput"),
        ("builtins", "eval"), ("builtins", "exec"), ("builtins", "compile"), ("builtins", "getattr"), ("builtins", "setattr"), ("builtins", "open"),
        ("builtins", "__import__"), ("builtins", "globals"), ("builtins", "vars"), ("builtins", "map"), ("builtins", "apply"), ("builtins", "breakpoint"),
        ("builtins", "print"), ("builtins", "input"), ("builtins", "type"), ("builtins", "memoryview"),
        ("__builtin__", "eval"), ("__builtin__", "execfile"), ("__builtin__", "file"), ("__builtin__", "apply"), ("__builtin__", "reduce"),
        ("operator", "attrgetter"), ("operator", "methodcaller"), ("operator", "itemgetter"), ("functools", "partial"), ("functools", "reduce"),
        ("itertools", "starmap"), ("types", "CodeType"), ("types", "FunctionType"), ("importlib", "import_module"), ("importlib._bootstrap", "_load"),
        ("runpy", "run_path"), ("runpy", "_run_code"), ("runpy", "run_module"), ("webbrowser", "open"), ("shutil", "rmtree"), ("socket", "create_connection"),
        ("urllib.request", "urlopen"), ("http.client", "HTTPSConnection"), ("ctypes", "CDLL"), ("_ctypes", "dlopen"), ("pty", "spawn"), ("platform", "popen"),
        ("code", "interact"), ("codeop", "compile_command"), ("pdb", "run"), ("bdb", "Bdb.run"), ("timeit", "timeit"), ("cProfile", "run"), ("profile", "run"),
        ("trace", "Trace.run"), ("doctest", "debug_script"), ("test.support.script_helper", "assert_python_ok"), ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
        ("multiprocessing.util", "spawnv_passfds"), ("concurrent.futures", "ThreadPoolExecutor"), ("signal", "signal"), ("sys", "exit"), ("sys", "modules"),
        ("threading", "Thread"), ("tempfile", "mktemp"), ("glob", "glob"), ("pip", "main"), ("pip._internal", "main"), ("distutils.file_util", "write_file"),
        ("idlelib.pyshell", "ModifiedInterpreter.runcommand"), ("lib2to3.pgen2.grammar", "Grammar.loads"), ("logging.config", "_resolve"), ("uuid", "_get_command_stdout"),
        ("venv", "create"), ("zipimport", "zipimporter.load_module"), ("ensurepip", "_run_pip"), ("site", "execsitecustomize"), ("marshal", "loads"), ("_io", "FileIO"),
        ("pickle", "loads"), ("_pickle", "loads"), ("cPickle", "loads"), ("dill", "loads"), ("cloudpickle", "loads"), ("joblib", "load"), ("shelve", "open"),
        ("pandas", "read_pickle"), ("numpy", "load"), ("numpy", "fromfile"), ("numpy.testing._private.utils", "runstring"), ("numpy.f2py.crackfortran", "myeval"),
        ("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy.distutils.exec_command", "exec_command"), ("numpy.lib", "load"),
        ("torch", "load"), ("torch.serialization", "load"), ("torch.storage", "_load_from_bytes"), ("torch.hub", "load"), ("torch.jit", "load"),
        ("torch.jit.unsupported_tensor_ops", "execWrapper"), ("torch.utils.data.datapipes.utils.decoder", "basichandlers"), ("torch._utils", "_rebuild_tensor_v3"),
        ("torch.utils.bottleneck.__main__", "run_cprofile"), ("torch.fx.experimental.symbolic_shapes.ShapeEnv", "evaluate_guards_expression"),
        ("torch.distributed.rpc", "rpc_sync"), ("torch._inductor.codecache.compile_file", ""), ("torch.nn.modules.linear", "Linear"),
        ("copyreg", "add_extension"), ("copyreg", "__newobj__"), ("copy_reg", "__newobj__"), ("collections", "namedtuple"), ("argparse", "ArgumentParser"),
        ("mmengine.logging.history_buffer", "HistoryBuffer"), ("pathlib", "PosixPath"), ("datetime", "datetime"), ("_codecs", "decode"), ("codecs", "open"),
    ];

    public static IEnumerable<object[]> Names => Calls.Select(call => (object[])[call.Module, call.Name]);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_call_is_refused_by_name_with_its_position(string module, string name)
    {
        string refused = $"names '{module}.{name}', which is not run or made here";
        byte[] argument = Pickle.Text("touch /tmp/never");
        Refuse(Pickle.Of('c', $"{module}\n{name}\n", argument, 0x85, 'R'), refused);
        Refuse(Pickle.Of(Pickle.Text(module), Pickle.Text(name), 0x93, argument, 0x85, 'R'), refused);
        Refuse(Pickle.Of('c', $"{module}\n{name}\n", argument, 0x85, 0x81), refused);
        Refuse(Pickle.Of('c', $"{module}\n{name}\n", ')', '}', 0x92), refused);
        Refuse(Pickle.Of('(', argument, 'i', $"{module}\n{name}\n"), refused);
        Refuse(Pickle.Of('(', 'c', $"{module}\n{name}\n", argument, 'o'), refused);
        Refuse(Pickle.Of('}', Pickle.Text("model"), 'c', $"{module}\n{name}\n", 's'), refused);

        // Named through the memo, and by text that is itself a part of a name.
        Refuse(Pickle.Of(Pickle.Text(module), 'q', 1, '0', 'h', 1, Pickle.Text(name), 0x93, ')', 'R'), refused);
    }

    public static TheoryData<byte[], string> Payloads => new()
    {
        // Instructions that take code or objects from elsewhere.
        { Pickle.Of(0x82, 1), "EXT1" },
        { Pickle.Of(0x83, 1, 0), "EXT2" },
        { Pickle.Of(0x84, 1, 0, 0, 0), "EXT4" },
        { Pickle.Of('P', "os.system\n"), "PERSID asks for 'os.system'" },
        { Pickle.Of(Pickle.Text("os.system"), 'Q'), "BINPERSID asks for the text 'os.system'" },
        { Pickle.Of('(', Pickle.Text("module"), 'c', "collections\nOrderedDict\n", Pickle.Text("a.py"), Pickle.Text("import os"), 't', 'Q'), "BINPERSID asks for the text 'module'" },
        { Pickle.Of('(', Pickle.Text("storage"), 'c', "collections\nOrderedDict\n", Pickle.Text("0"), Pickle.Text("cpu"), Pickle.Number(1), 't', 'Q'), "BINPERSID asks for" },
        { Pickle.Of('(', Pickle.Text("storage"), 'c', "torch\nFloatStorage\n", Pickle.Text("0"), Pickle.Text("cpu"), Pickle.Number(-1), 't', 'Q'), "of -1 elements" },
        { Pickle.Of('(', Pickle.Text("storage"), 'c', "torch\nFloatStorage\n", Pickle.Text("0"), Pickle.Text("cpu"), Pickle.Number(1L << 62), 't', 'Q'), "expected it to fit" },
        { Pickle.Of('(', 'c', "collections\nOrderedDict\n", 'o'), "OBJ makes an object of 'collections.OrderedDict'" },
        { Pickle.Of('(', 'i', "collections\nOrderedDict\n"), "INST makes an object of 'collections.OrderedDict'" },
        { Pickle.Of(0x97), "NEXT_BUFFER" },
        { Pickle.Of('N', 0x98), "READONLY_BUFFER" },

        // Allowed names used for what they are not there for.
        { Pickle.Of('c', "collections\nOrderedDict\n", ')', 'R', ')', 'R'), "calls a collections.OrderedDict" },
        { Pickle.Of('c', "builtins\nobject\n", ')', 'R'), "calls 'builtins.object' with ()" },
        { Pickle.Of('c', "builtins\nint\n", Pickle.Text("1"), 0x85, 'R'), "calls 'builtins.int'" },
        { Pickle.Of('c', "builtins\ntuple\n", ')', 0x81), "NEWOBJ makes an object of 'builtins.tuple'" },
        { Pickle.Of('c', "collections\ndefaultdict\n", Pickle.Text("os.system"), 0x85, 'R'), "calls 'collections.defaultdict' with (the text 'os.system')" },
        { Pickle.Of('c', "copyreg\n_reconstructor\n", 'c', "builtins\nobject\n", 'c', "builtins\nobject\n", 'N', 0x87, 'R'), "calls 'copyreg._reconstructor'" },
        { Pickle.Of('c', "torch\nFloatStorage\n", ')', 'R'), "calls 'torch.FloatStorage'" },
        { Pickle.Of('c', "torch._utils\n_rebuild_tensor_v2\n", ')', 'R'), "calls 'torch._utils._rebuild_tensor_v2' with ()" },
        { Pickle.Of('c', "torch._utils\n_rebuild_parameter\n", Pickle.Text("x"), 0x88, '}', 0x87, 'R'), "calls 'torch._utils._rebuild_parameter' with (the text 'x'" },
        { Pickle.Of('c', "_codecs\nencode\n", Pickle.Text("x"), Pickle.Text("rot13"), 0x86, 'R'), "written in 'rot13'" },
        { Pickle.Of('c', "numpy\ndtype\n", Pickle.Text("O8"), 0x85, 'R', 'C', 8, "12345678", 0x86, 'q', 0, '0', 'c', "numpy.core.multiarray\nscalar\n", 'h', 0, 'R'), "a numpy number of type 'O8'" },

        // States: __setstate__, attributes of functions and classes, slots.
        { Pickle.Of('c', "argparse\nNamespace\n", '}', 'b'), "BUILD gives 'argparse.Namespace' a state" },
        { Pickle.Of('c', "argparse\nNamespace\n", ')', 0x81, 'N', '}', 0x86, 'b'), "BUILD gives a argparse.Namespace a state (a tuple)" },
        { Pickle.Of('c', "collections\nOrderedDict\n", ')', 'R', Pickle.Text("x"), 'b'), "BUILD gives a collections.OrderedDict a state (the text 'x')" },
        { Pickle.Of(']', '}', 'b'), "BUILD gives a list a state" },
        { Pickle.Of('}', Pickle.Text("__setstate__"), 'c', "torch\nFloatStorage\n", 's', '}', 'b'), "BUILD gives a dict a state" },
        { Pickle.Of('c', "argparse\nNamespace\n", ')', 0x81, Pickle.Text("x"), 'N', 's'), "sets entries of a argparse.Namespace" },
        { Pickle.Of('c', "builtins\nlist\n", 'N', 'a'), "adds elements to 'builtins.list'" },

        // A machine led astray.
        { Pickle.Of(), "takes a value from an empty stack" },
        { Pickle.Of('0'), "empty stack" },
        { Pickle.Of('t'), "none is set" },
        { Pickle.Of('N', '(', 'R'), "empty stack" },
        { Pickle.Of('N', 'N'), "values too many" },
        { Pickle.Of('h', 7), "recalls value 7" },
        { Pickle.Of('}', '(', 'N', 'u'), "a key without a value" },
        { Pickle.Of('}', ']', 'N', 's'), "the key of an entry is a list" },
        { Pickle.Of('X', "\u00ff\u00ff\u00ff\u007f"), "2147483647 bytes are announced" },
        { Pickle.Of(0x8e, "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff"), "18446744073709551615 bytes are announced" },
        { Pickle.Of('X', "\u0001\0\0\0\u00ff"), "text is not UTF-8" },
        { Pickle.Of(0x8b, "\u00ff\u00ff\u00ff\u007f"), "an integer of 2147483647 bytes" },
        { Pickle.Of(0x95, "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff"), "a frame of 18446744073709551615 bytes" },
        { Pickle.Of('I', "abc\n"), "'abc' is no integer" },
        { Pickle.Of('F', "1,5\n"), "'1,5' is no number" },
        { Pickle.Of('S', "abc\n"), "not in quotes" },
        { Pickle.Of('K'), "the pickle ends" },
        { Pickle.Of(0x80, 6), "pickle protocol 6" },
        { Pickle.Of(0xff), "the byte ff is no instruction" },
        { Pickle.Of(), "empty stack" },
    };

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_payload_is_refused(byte[] pickle, string what) => Refuse(pickle, what);

    [Fact]
    public void Only_names_of_plain_values_are_known()
    {
        string[] kinds = ["collections.", "torch.", "torch._utils._rebuild_", "numpy.", "builtins.", "__builtin__.", "argparse.Namespace", "_codecs.encode", "copyreg._reconstructor", "copy_reg._reconstructor"];
        Assert.Equal([], PickleNames.All.Where(name => !kinds.Any(kind => name.StartsWith(kind, StringComparison.Ordinal))));
        Assert.Equal([], PickleNames.All.Where(name => name.StartsWith("torch.", StringComparison.Ordinal) && PickleNames.Find(name[..name.LastIndexOf('.')], name[(name.LastIndexOf('.') + 1)..]) is null));
        Assert.InRange(PickleNames.All.Count, 1, 100);
    }

    // Each is small; what it would grow to is not.
    [Fact]
    public void Bombs_end_at_once()
    {
        Stopwatch clock = Stopwatch.StartNew();
        byte[] deep = Pickle.Of('}', Pickle.Text("w"), new byte[500_000].Select(_ => (byte)']').ToArray(), new byte[500_000].Select(_ => (byte)'a').ToArray());
        Refuse(deep, "sets entries", "adds elements", "values too many", "empty stack", "expected");

        // A list in a list 200 000 deep, which is its own element too, beside a tensor.
        byte[] nested = Pickle.Join(']', 'q', 0, 'h', 0, 'a', new byte[200_000].Select(_ => (byte)0x85).ToArray());
        using TemporaryFolder folder = new();
        byte[] tensor = Pickle.Tensor(Pickle.Storage("0", 1), 0, [1], [1]);
        byte[] pickle = Pickle.Of('}', '(', Pickle.Text("model"), '}', Pickle.Text("w"), tensor, 's', Pickle.Text("deep"), nested, 'u');
        using (PyTorchFile file = PyTorchFile.Open(Pickle.Zip(folder, pickle, ("archive/data/0", new byte[4]))))
        {
            Assert.Equal("1 elements", file.Metadata["deep"]);
        }

        // Ten to the thirtieth elements, each list ten times the one before.
        byte[] laughs = Pickle.Join(']', 'q', 0, '0', Pickle.Join([.. Enumerable.Range(1, 30).Select(level => (object)Pickle.Join(']', '(', Pickle.Join([.. Enumerable.Repeat<object>(Pickle.Join('h', level - 1), 10)]), 'e', 'q', level, '0'))]), 'h', 30);
        pickle = Pickle.Of('}', '(', Pickle.Text("model"), '}', Pickle.Text("w"), tensor, 's', Pickle.Text("laughs"), laughs, 'u');
        using (PyTorchFile file = PyTorchFile.Open(Pickle.Zip(folder, pickle, ("archive/data/0", new byte[4]))))
        {
            Assert.Equal("10 elements", file.Metadata["laughs"]);
        }

        // The same as arguments of a training.
        pickle = Pickle.Of('}', '(', Pickle.Text("model"), '}', Pickle.Text("w"), tensor, 's', Pickle.Text("args"), '}', Pickle.Text("a"), laughs, 's', 'u');
        string path = Pickle.Zip(folder, pickle, ("archive/data/0", new byte[4]));
        Refusal.Of(path, () => TensorFile.Open(path), "args is too deep or too long");

        // A long text that is encoded again and again; a long list copied again and again.
        byte[] text = Pickle.Join(Pickle.Text(new string('x', 100_000)), 'q', 0, '0', Pickle.Join([.. Enumerable.Repeat<object>(Pickle.Join("c_codecs\nencode\nh", 0, Pickle.Text("latin1"), 0x86, 'R', '0'), 2000)]));
        Refuse(Pickle.Of(text), "values are copied");
        byte[] list = Pickle.Join('(', Pickle.Join([.. Enumerable.Repeat<object>("N", 100_000)]), 'l', 'q', 0, '0', Pickle.Join([.. Enumerable.Repeat<object>(Pickle.Join("cbuiltins\nset\nh", 0, 0x85, 'R', '0'), 2000)]));
        Refuse(Pickle.Of(list), "values are copied");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
    }

    private static void Refuse(byte[] pickle, params string[] anyOf)
    {
        using TemporaryFolder folder = new();
        string path = Pickle.Zip(folder, pickle);
        InvalidDataException zip = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        string legacy = folder.File("b.pth", Pickle.Legacy(pickle, [], []));
        InvalidDataException old = Assert.Throws<InvalidDataException>(() => TensorFile.Open(legacy));
        foreach ((string file, InvalidDataException refusal) in ((string, InvalidDataException)[])[(path, zip), (legacy, old)])
        {
            Assert.StartsWith($"{file}: byte ", refusal.Message, StringComparison.Ordinal);
            Assert.Contains(anyOf, part => refusal.Message.Contains(part, StringComparison.Ordinal));
            Assert.Contains("; expected ", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(refusal.Message, char.IsControl);
        }
    }
}
